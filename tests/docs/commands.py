"""commands.py PAGE.md PROGRAM [NAME=PATH...]: runs the sh and python blocks of a page that follow `<!-- run -->`.

They run one after the other in one new folder, with PROGRAM on the path and links NAME to PATH in the folder.
Blocks that follow `<!-- file: NAME -->` are written there, those after `<!-- append: NAME -->` added at its end.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

block = re.compile(r"<!-- (?:(run)|(file|append): (\S+)) -->\n```(\w+)\n(.*?)```", re.DOTALL)


def run_page(page: str, folder: Path, environment: dict, seconds: int = 120) -> int:
    """How many blocks were run."""
    count = 0
    for run, kind, name, language, code in block.findall(Path(page).read_text()):
        if not run:
            with open(folder / name, "w" if kind == "file" else "a") as file:
                file.write(code)
            continue
        if language not in ("sh", "python"):
            sys.exit(f"{page}: a block of {language} cannot be run")
        command = ["sh", "-euc", code] if language == "sh" else [sys.executable, "-c", code]
        result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)
        if result.returncode != 0:
            sys.exit(f"{page}: exit {result.returncode}\n{code}{result.stdout}{result.stderr}")
        count += 1
    if count == 0:
        sys.exit(f"{page} has nothing to run")
    return count


if __name__ == "__main__":
    page, program, *links = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        for link in links:
            name, target = link.split("=", 1)
            os.symlink(target, Path(folder) / name)
        environment = dict(os.environ, PATH=f"{Path(program).parent}:{os.environ['PATH']}")
        count = run_page(page, Path(folder), environment)
    print(f"{count} passed, 0 failed")
