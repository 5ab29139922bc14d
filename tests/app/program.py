"""The program as its user meets it: results, pictures, and one clear line for each mistake."""

import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

program, clawpack = sys.argv[1], Path(sys.argv[2])
checks = 0


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def require(condition: bool, what: str) -> None:
    global checks
    if not condition:
        sys.exit(f"failed: {what}")
    checks += 1


def good(*arguments: str) -> str:
    result = run(*arguments)
    require(result.returncode == 0, f"{arguments}: exit {result.returncode}, {result.stderr}")
    return result.stdout


def refused(code: int, words: str, *arguments: str) -> None:
    start = time.monotonic()
    result = run(*arguments)
    lines = result.stderr.strip().splitlines()
    require(result.returncode == code, f"{arguments}: exit {result.returncode}, not {code}: {result.stderr}")
    require(len(lines) == 1 and lines[0].startswith("lowtide: "), f"{arguments}: {lines}")
    require(words in lines[0], f"{arguments}: '{lines[0]}' says nothing of '{words}'")
    require(time.monotonic() - start < 5, f"{arguments}: slow")


def check_data(folder: Path) -> None:
    file = folder / "burgers.h5"
    made = json.loads(good("data", "burgers2d", "--set", "cells=32", "--set", "frames=9", "-o", file, "--plot", "--json"))
    require(made["frames"] == 9 and made["steps"] > 0, "what was made is told")
    for ending in (".svg", ".csv", ".gnuplot"):
        require(file.with_suffix(ending).exists(), f"a figure's {ending}")
    ElementTree.parse(file.with_suffix(".svg"))

    info = json.loads(good("info", file, "--json"))
    integrals = [frame["fields"]["u"]["integral"] for frame in info["frames"]]
    require(len(integrals) == 9 and max(integrals) - min(integrals) < 1e-13, "the integral stays")
    require(info["levels"] == 3 and info["case"] == "burgers2d", "levels and case are in the file")
    require(sum(frame["held_out"] for frame in info["frames"]) == 1, "a frame is held out")
    require(good("info", file).count("\n") > 9 + 5, "a table for people")

    before = file.read_bytes()
    refused(2, "exists", "data", "burgers2d", "--set", "cells=32", "-o", file)
    require(file.read_bytes() == before, "nothing is overwritten")
    good("data", "burgers2d", "--set", "cells=32", "--set", "frames=9", "-o", file, "--force", "--threads", "1")
    require(file.read_bytes() == before, "one thread gives the same bytes as all")

    (folder / "new.csv").write_text("mine")
    refused(2, "exists", "data", "burgers2d", "--set", "cells=32", "-o", folder / "new.h5", "--plot")
    require((folder / "new.csv").read_text() == "mine", "a picture overwrites nothing either")
    refused(2, "both", "data", "euler1d", "--set", "cells=50", "-o", folder / "picture.svg", "--plot")
    good("data", "euler1d", "--set", "cells=100", "-o", folder / "euler.h5", "--plot")
    good("plot", folder / "euler.h5", "-o", folder / "energy.svg", "--field", "energy")
    require("energy" in (folder / "energy.svg").read_text(), "another field is drawn")
    refused(2, "density, momentum", "plot", folder / "euler.h5", "-o", folder / "x.svg", "--field", "speed")
    refused(2, "exists", "plot", folder / "euler.h5")
    require((folder / "euler.svg").exists(), "a picture in one dimension")
    for case in ("euler1d", "acoustics2d", "burgers2d", "advection2d"):
        require(case in good("list"), f"{case} is listed")
        names = [s["name"] for s in json.loads(good("data", case, "--settings", "--json"))]
        require({"cells", "frames", "limiter", "t_end"} <= set(names), f"settings of {case}")


def check_imports(folder: Path) -> None:
    file = folder / "claw.h5"
    good("import", "clawpack", clawpack / "burgers2d_rect" / "ascii", "-o", file, "--name", "rectangle", "--plot")
    info = json.loads(good("info", file, "--json"))
    require(info["case"] == "rectangle" and info["high"] == [1.5, 1], "name and domain of an import")
    mean = info["frames"][0]["fields"][info["fields"][0]]["integral"] / 1.5
    require(abs(mean - 0.25) < 1e-11, f"the mean of Clawpack's frame is {mean}")

    t, x = np.linspace(0, 1, 11), np.linspace(0, 1, 50)
    u = np.sin(x[None, :] - t[:, None])
    np.savez(folder / "mine.npz", t=t, x=x, u=u)
    good("import", "npz", folder / "mine.npz", "-o", folder / "mine.h5", "--fields", "height", "--heldout", "0", "--plot")
    info = json.loads(good("info", folder / "mine.h5", "--json"))
    require(info["fields"] == ["height"] and len(info["frames"]) == 11, "names of an import")
    height = info["frames"][10]["fields"]["height"]
    require(abs(height["most"] - u[10].max()) < 1e-15, "values of an import")
    require(abs(height["integral"] - np.trapz(u[10], x)) < 1e-14, "an integral without weights is the trapezoid rule")
    drawn = (folder / "mine.csv").read_text()
    require(drawn.count(",") > 1000 and "nan" not in drawn, "every pixel and point of the picture has a value")

    points = np.random.default_rng(1).random((300, 2))
    np.savez(folder / "cloud.npz", t=t, x=points, u=np.outer(t, points[:, 0]))
    good("import", "npz", folder / "cloud.npz", "-o", folder / "cloud.h5", "--plot")
    require((folder / "cloud.svg").read_text().count("<use") > 300, "scattered points are drawn as points")


def check_mistakes(folder: Path) -> None:
    refused(2, "euler1d", "data", "euler1")
    refused(2, "cells", "data", "euler1d", "--set", "cels=3", "-o", folder / "x.h5")
    refused(2, "demo, study, paper", "data", "euler1d", "--preset", "papier")
    refused(2, "", "dta", "euler1d")
    refused(2, "threads", "list", "--threads", "0")
    refused(2, "no such file", "info", folder / "none.h5")
    refused(2, "", "info", folder)
    refused(2, "", "import", "clawpack", folder / "none")
    refused(2, "", "import", "npz", folder / "none.npz")
    refused(2, "names", "import", "npz", folder / "mine.npz", "--fields", "a,b", "-o", folder / "y.h5")
    require(not any((folder / name).exists() for name in ("x.h5", "y.h5")), "a mistake leaves no file")
    refused(4, "cannot write", "data", "euler1d", "--set", "cells=50", "-o", folder / "none" / "x.h5")
    refused(3, "too large", "data", "burgers2d", "--set", "inside=1e200", "-o", folder / "x.h5")
    refused(2, "memory", "data", "burgers2d", "--set", "frames=1000000", "--set", "ratios=", "-o", folder / "x.h5")
    refused(4, "regular", "data", "euler1d", "--set", "cells=50", "-o", "/dev/null", "--force")
    require(Path("/dev/null").is_char_device(), "devices stay what they are")
    full = subprocess.run(f"'{program}' info '{folder / 'mine.h5'}' >/dev/full", shell=True, capture_output=True, text=True)
    require(full.returncode == 4 and full.stderr.count("\n") == 1, f"no room for the answer: {full}")
    limited = subprocess.run(f"ulimit -f 8; '{program}' data euler1d -o '{folder / 'big.h5'}'", shell=True,
                             capture_output=True, text=True)
    require(limited.returncode == 4 and "too large" in limited.stderr, f"a limit on files: {limited}")
    require(not list(folder.glob("big*")), "and nothing is left behind")
    refused(2, "verb")
    refused(2, "clawpack and npz", "import")
    garbage = folder / "garbage.h5"
    garbage.write_bytes(os.urandom(5000))
    refused(2, "garbage.h5", "info", garbage)
    require("usage" in good("--help").lower() and "snapshots" in good("data", "--help"), "help")
    require(good("--version").strip() != "", "version")


with tempfile.TemporaryDirectory() as name:
    check_data(Path(name))
    check_imports(Path(name))
    check_mistakes(Path(name))
print(f"{checks} passed, 0 failed")
