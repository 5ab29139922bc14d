"""The demonstration learns, writes its files, gives the same bits again, and refuses bad input."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

program = sys.argv[1]


def run(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run([program, *options], capture_output=True, text=True, timeout=100)


def require(condition: bool, what: str) -> None:
    if not condition:
        sys.exit(f"failed: {what}")


with tempfile.TemporaryDirectory() as folder:
    small = ["--steps", "400", "--points", "80", "--frames", "11", "--width", "32"]
    first, second = Path(folder) / "a", Path(folder) / "b"
    result = run("--out", str(first), *small)
    require(result.returncode == 0, result.stderr)
    error = float(re.search(r"error ([0-9.]+) % on the 6 training", result.stdout)[1])
    require(error < 15, f"error {error} % on the training frames")
    losses = [float(line.split(",")[1]) for line in (first / "history.csv").read_text().splitlines()[1:]]
    require(len(losses) == 400 and losses[-1] < 0.02 * losses[0], "the loss falls")
    require((first / "frames.csv").stat().st_size > 1000, "the frames are written")
    run("--out", str(second), *small)
    require((first / "history.csv").read_bytes() == (second / "history.csv").read_bytes(), "the same bits again")

    for bad in (["--steps", "0"], ["--steps", "abc"], ["--width"], ["--nonsense", "1"], ["--frames", "-3"]):
        result = run(*bad)
        lines = result.stderr.strip().splitlines()
        require(result.returncode == 2 and len(lines) == 1, f"{bad}: exit {result.returncode}, {lines}")
    result = run("--out", "/proc/nowhere", *small)
    require(result.returncode == 4, f"a folder that cannot be written: exit {result.returncode}")
print("1 passed, 0 failed")
