"""What the tests of training runs share: a little run, its files, and the program."""

import json
import re
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

program = sys.argv[1]
checks = 0
tube = ["euler1d", "--set", "cells=60", "--set", "frames=11"]
small = [*tube, "--set", "model.width=16", "--set", "model.rank=4"]


def require(condition: bool, what: str) -> None:
    global checks
    if not condition:
        sys.exit(f"failed: {what}")
    checks += 1


def run(*arguments, **options) -> subprocess.CompletedProcess:
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120, **options)


def good(*arguments) -> str:
    result = run(*arguments)
    require(result.returncode == 0, f"{arguments}: exit {result.returncode}, {result.stderr}")
    return result.stdout


def refused(code: int, words: str, *arguments, **options) -> str:
    result = run(*arguments, **options)
    line = result.stderr.strip().splitlines()[-1:] or [""]
    require(result.returncode == code, f"{arguments}: exit {result.returncode}, not {code}: {result.stderr}")
    require(line[0].startswith("lowtide: "), f"{arguments}: {result.stderr}")
    require(words in line[0], f"{arguments}: '{line[0]}' says nothing of '{words}'")
    return line[0]


def settings(**values) -> list[str]:
    """epochs__of="1" is --set epochs.of=1."""
    return [word for name, value in values.items() for word in ("--set", f"{name.replace('__', '.')}={value}")]


def metrics(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def without_seconds(folder: Path) -> str:
    return re.sub(r', "seconds": [0-9.e+-]+}', "}", (folder / "metrics.jsonl").read_text())


def tensors(path: Path) -> tuple[dict, dict]:
    """The arrays of a safetensors file, and its metadata."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = {"F32": "<f4", "F64": "<f8", "U8": "u1", "I8": "i1"}[entry["dtype"]]
        arrays[name] = np.frombuffer(data[8 + length + begin : 8 + length + end], kind).reshape(entry["shape"])
    return arrays, metadata


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").glob("step-*.safetensors"))


def start(*arguments) -> subprocess.Popen:
    """Behind the test itself, which must not be late."""
    return subprocess.Popen(["nice", program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen, condition) -> None:
    while process.poll() is None and not condition():
        time.sleep(0.001)


def step_of(path: Path) -> int:
    return int(path.stem[len("step-") :])


def stopped(folder: Path, kind: int, at_step: int, *arguments) -> bool:
    """Sends a signal when the run has a checkpoint of this step or a later one. False if its loop was faster."""
    process = start(*arguments, "--checkpoint", "0")
    wait_for(process, lambda: any(step_of(path) >= at_step for path in checkpoints(folder)))
    process.send_signal(kind)
    _, errors = process.communicate(timeout=120)
    if process.returncode in (0, -kind):
        return False
    require(process.returncode == 75, f"{signal.Signals(kind).name}: exit {process.returncode}, {errors}")
    require("--resume" in errors.strip().splitlines()[-1], f"how it goes on is told: {errors}")
    return True
