"""Checks the objects compiled for AVX2 and AVX-512: run as simd_symbols.py NM OBJECT...

The linker keeps one copy of each inline function, from whichever object comes first. A copy that
was compiled with AVX-512 would then run, and crash, on every older processor. So these objects may
hold only inline functions with the level in their names, and nothing that runs at start-up.
"""
import re
import subprocess
import sys


def faults(nm, path):
    level = re.search(r"_ops_(v\d)", path).group(1)
    for line in subprocess.run([nm, "-C", path], check=True, capture_output=True, text=True).stdout.splitlines():
        kind, name = line[17:18], line[19:]
        if kind == "W" and f"simd_{level}" not in name:
            yield f"shared inline function {name:.150}"
        if "_GLOBAL__sub_I" in name:
            yield f"initializer that runs at start-up {name}"


objects = sys.argv[2:]
found = [f"{path}: {fault}" for path in objects for fault in faults(sys.argv[1], path)]
print("\n".join(found) or f"{len(objects)} objects are clean")
sys.exit(bool(found) or not objects)
