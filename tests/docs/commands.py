"""commands.py PAGE.md PROGRAM [NAME=PATH...]: runs the sh and python blocks of a page that follow `<!-- run -->`.

They run one after the other in one new folder, with PROGRAM on the path and links NAME to PATH in the folder.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

page, program, *links = sys.argv[1:]
blocks = re.findall(r"<!-- run -->\n```(sh|python)\n(.*?)```", Path(page).read_text(), re.DOTALL)
if not blocks:
    sys.exit(f"{page} has nothing to run")
with tempfile.TemporaryDirectory() as folder:
    for link in links:
        name, target = link.split("=", 1)
        os.symlink(target, Path(folder) / name)
    environment = dict(os.environ, PATH=f"{Path(program).parent}:{os.environ['PATH']}")
    for language, code in blocks:
        command = ["sh", "-euc", code] if language == "sh" else [sys.executable, "-c", code]
        result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        if result.returncode != 0:
            sys.exit(f"{page}: exit {result.returncode}\n{code}{result.stdout}{result.stderr}")
print(f"{len(blocks)} passed, 0 failed")
