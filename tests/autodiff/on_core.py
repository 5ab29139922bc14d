#!/usr/bin/env python3
"""on_core.py CORE COMMAND...: runs a command with the OpenBLAS kernels for CORE.

Kernels that this processor cannot run would stop the program when it is loaded: that is said, and
counts as skipped (exit code 77).
"""
import os
import sys

core, command = sys.argv[1], sys.argv[2:]
with open("/proc/cpuinfo") as f:
    flags = set(next((line for line in f if line.startswith("flags")), "").split())
needed = {"Haswell": "avx2", "Zen": "avx2", "SkylakeX": "avx512f"}[core]
if needed not in flags:
    print(f"NOT TESTED: this processor lacks {needed}, which the OpenBLAS kernels for {core} need")
    sys.exit(77)
os.environ["OPENBLAS_CORETYPE"] = core
os.execv(command[0], command)
