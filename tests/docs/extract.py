"""extract.py PAGE.md FOLDER: writes each code block that follows `<!-- file: NAME -->` to FOLDER/NAME."""

import re
import sys
from pathlib import Path

page, folder = Path(sys.argv[1]), Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
for name, code in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", page.read_text(), re.DOTALL):
    target = folder / name
    if not target.exists() or target.read_text() != code:  # an unchanged file is not compiled again
        target.write_text(code)
    print(target)
