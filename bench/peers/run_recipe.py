#!/usr/bin/env python3
"""Times training steps of the fast recipe in lowtide and in PyTorch, in turn, on the same snapshots. See README.md.

run_recipe.py --threads 1 --epochs 100 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from run import HERE, ROOT, Report, importable, note, run_json

PYTHON = "/usr/bin/python3"  # whose torch is Debian's


def make_data(lowtide: Path, folder: Path, cells: int) -> Path | None:
    file = folder / "euler1d.h5"
    command = [str(lowtide), "data", "euler1d", "--set", f"cells={cells}", "--set", "heldout=0", "-o", str(file)]
    return file if run_json([*command, "--json"], 600) is not None and file.exists() else None


def lowtide_seconds(lowtide: Path, data: Path, folder: Path, args: argparse.Namespace) -> Report | None:
    """Seconds of the training loop, without data and start."""
    settings = [f"train.epochs={args.epochs}", "train.l1_epochs=0", f"train.batch={args.batch}"]
    settings += [f"model.width={args.width}", f"model.rank={args.rank}", "fields=density"]
    command = [str(lowtide), "--threads", str(args.threads), "--json", "train", "euler1d", "--model", "lrnr"]
    command += ["--preset", "demo", "--recipe", "fast", "--data", str(data), "--out", str(folder / "run"), "--force"]
    for setting in settings:
        command += ["--set", setting]
    if run_json(command, args.timeout) is None:
        return None
    manifest = json.loads((folder / "run" / "manifest.json").read_text())
    return {"steps": manifest["steps"], "seconds": manifest["seconds"]}


def torch_seconds(data: Path, steps: int, args: argparse.Namespace, gradient: str) -> Report | None:
    command = [PYTHON, str(HERE / "torch_recipe.py"), "--data", str(data), "--steps-only", str(steps), "--json"]
    command += ["--epochs", str(args.epochs), "--width", str(args.width), "--rank", str(args.rank)]
    command += ["--batch", args.batch, "--threads", str(args.threads), "--gradient", gradient]
    return run_json(command, args.timeout)


def compare(lowtide: Path, data: Path, folder: Path, args: argparse.Namespace) -> list[Report]:
    """lowtide, PyTorch, lowtide, ..: a ratio belongs to one round, so slow drifts of the machine cancel."""
    rounds = []
    for _ in range(args.rounds):
        mine = lowtide_seconds(lowtide, data, folder, args)
        steps = mine["steps"] if mine else 5 * args.epochs
        others = {name: torch_seconds(data, steps, args, name) for name in args.gradients}
        rounds.append((mine, others))
    rows = []
    for name in args.gradients:
        pairs = [(mine, others[name]) for mine, others in rounds if others[name]]
        if not pairs:
            continue
        row: Report = {"peer": "torch", "version": pairs[0][1]["version"], "gradient": name, "threads": args.threads}
        row |= {"rounds": len(pairs), "steps": pairs[0][1]["steps"], "blas": pairs[0][1]["blas"]}
        milliseconds = [1e3 * other["seconds"] / other["steps"] for _, other in pairs]
        row |= {"torch_ms": statistics.median(milliseconds), "torch_ms_min": min(milliseconds)}
        row["cores_used"] = statistics.median(other["cores_used"] for _, other in pairs)
        both = [(1e3 * mine["seconds"] / mine["steps"], ms) for (mine, _), ms in zip(pairs, milliseconds) if mine]
        if both:
            ratios = [ms / own for own, ms in both]
            row |= {"lowtide_ms": statistics.median(o for o, _ in both), "lowtide_ms_min": min(o for o, _ in both)}
            row |= {"ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}
        rows.append(row)
    return rows


def table(rows: list[Report]) -> str:
    lines = [["gradient", "threads", "torch ms a step", "min", "lowtide", "min", "torch/lowtide", "min-max", "cores"]]
    for r in rows:
        line = [r["gradient"], str(r["threads"]), f"{r['torch_ms']:.2f}", f"{r['torch_ms_min']:.2f}"]
        if "ratio" in r:
            line += [f"{r['lowtide_ms']:.2f}", f"{r['lowtide_ms_min']:.2f}", f"{r['ratio']:.2f}"]
            line += [f"{r['ratio_min']:.2f}-{r['ratio_max']:.2f}"]
        else:
            line += ["-"] * 4
        lines.append([*line, f"{r['cores_used']:.2f}"])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="holds lowtide")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=100, help="of 5 steps each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cells", type=int, default=250)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--rank", type=int, default=24)
    parser.add_argument("--batch", default="81:5")
    parser.add_argument("--gradients", default="hand,autograd", help="of PyTorch; its best is what counts")
    parser.add_argument("--timeout", type=float, default=1200, help="seconds for one program")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    args.gradients = args.gradients.split(",")
    return args


def main() -> int:
    args = arguments()
    if not importable(PYTHON, "torch"):
        note(f"[run] {PYTHON} cannot import torch. To get it: scripts/setup.sh --bench")
        return 1
    lowtide = args.build / "lowtide"
    cpus = sorted(os.sched_getaffinity(0))
    if not os.access(lowtide, os.X_OK) or not 1 <= args.threads <= len(cpus):
        note(f"[run] no {lowtide}, or no {args.threads} CPUs among {len(cpus)}")
        return 2
    os.sched_setaffinity(0, cpus[: args.threads])  # inherited by every program
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(lowtide, Path(folder), args.cells)
        if data is None:
            return 1
        rows = compare(lowtide, data, Path(folder), args)
    print(json.dumps(rows) if args.json else table(rows))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
