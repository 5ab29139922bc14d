"""first_driver.py PAGE.md PREFIX: builds and runs what docs/first-driver.md prints, against an installed lowtide.

Then it stops the page's programs and lets them go on: what they leave has the bits of runs that were never stopped.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "docs"))
from commands import run_page

import numpy as np


def write_frames(folder: Path, cells: int = 150, frames: int = 17) -> None:
    """As Clawpack's classic solver writes them: a hump that travels to the right."""
    folder.mkdir()
    x = (np.arange(cells) + 0.5) / cells
    for k in range(frames):
        t = k / (frames - 1)
        height = np.exp(-80 * (x - 0.2 - 0.5 * t) ** 2)
        rows = "".join(f"{h:.16e} {h / 2:.16e}\n" for h in height)
        header = f"{t:.16e} time\n2 meqn\n1 ngrids\n0 naux\n1 ndim\n0 nghost\nascii format\n"
        (folder / f"fort.t{k:04}").write_text(header)
        patch = f"1 patch_number\n1 AMR_level\n{cells} mx\n0.0 xlow\n{1 / cells:.16e} dx\n\n"
        (folder / f"fort.q{k:04}").write_text(patch + rows)


def require(condition: bool, what: str) -> None:
    if not condition:
        sys.exit(f"failed: {what}")


def stopped(folder: Path, run: str, *command: str) -> None:
    """Sends SIGTERM to the training; if it has not begun yet, or is done already, once more and later or sooner."""
    delay = 0.3
    for _ in range(8):
        shutil.rmtree(folder / run, ignore_errors=True)
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        manifest = folder / run / "manifest.json"
        while process.poll() is None and not manifest.exists():
            time.sleep(0.005)
        time.sleep(delay)
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=60)[0]
        if process.returncode == 75:
            require("--resume goes on" in output, f"{command} says how to go on: {output}")
            require(json.loads(manifest.read_text())["exit"] == "stopped by SIGTERM", "and so does the manifest")
            return
        require(process.returncode in (0, -signal.SIGTERM), f"{command}: exit {process.returncode}: {output}")
        delay *= 0.4 if process.returncode == 0 else 2.3
    sys.exit(f"failed: {command} was never stopped inside its loop")


page, prefix = sys.argv[1:]
with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    write_frames(folder / "_output")
    count = run_page(page, folder, dict(os.environ, PREFIX=prefix), seconds=500)
    program, loop = str(folder / "build" / "my_waves"), str(folder / "build" / "my_loop")

    def run(*command: str) -> str:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        require(result.returncode == 0, f"{command}: exit {result.returncode}: {result.stdout}{result.stderr}")
        return result.stdout

    def model(run: str) -> bytes:
        return (folder / run / "model.safetensors").read_bytes()

    listed = {case["case"] for case in json.loads(run(program, "list", "--json"))["cases"]}
    require({"ring_road", "tank", "euler1d"} <= listed, f"cases: {listed}")
    train = (program, "train", "ring_road", "--set", "train.epochs=120", "--set", "train.l1_epochs=10", "--out")
    stopped(folder, "cut", *train, "cut")
    run(program, "train", "--resume", "cut")
    run(*train, "whole")
    require(model("cut") == model("whole"), "a run that was stopped has the bits of one that was not")

    runs = json.loads(run(program, "compare", "cut", "whole", "run-loop", "--data", "ring_road.h5", "--json"))
    require([r["run"] for r in runs] == ["cut", "whole", "run-loop"], "compare lists the runs")
    require(runs[0]["heldout"]["rel_l1"] == runs[1]["heldout"]["rel_l1"] < 0.1, f"it learns: {runs[0]}")
    require(runs[2]["heldout"]["rel_l1"] < 0.1 and runs[2]["steps"] == 4000, f"so does the loop: {runs[2]}")
    run(program, "compare", "run-tank-lrnr")
    run(program, "report", "cut", "run-loop", "--data", "ring_road.h5", "-o", "page.html")
    require("makeExplorer" in (folder / "page.html").read_text(), "pages are in the library")

    whole = model("run-loop")
    (folder / "run-loop").rename(folder / "loop-before")
    stopped(folder, "run-loop", loop)
    run(loop, "--resume")
    require(model("run-loop") == whole, "a loop that was stopped has the bits of one that was not")

    wrong = subprocess.run([program, "train", "ring_rod"], cwd=folder, capture_output=True, text=True)
    require(wrong.returncode == 2 and wrong.stderr.startswith("my_waves: "), f"its own name: {wrong.stderr}")
    require("did you mean ring_road?" in wrong.stderr, wrong.stderr)
print(f"{count} blocks of {page} passed")
