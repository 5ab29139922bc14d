#!/usr/bin/env python3
"""Runs a case of hyperbolic waves with Clawpack's classic Fortran solvers, on one core. See README.md.

clawpack_peer.py acoustics2d --cells 320 --json
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = Path(os.environ.get("LOWTIDE_CLAWPACK_VENV", ROOT / "build" / "clawpack-venv"))
# case -> (dimensions, components, cells a side unless told)
CASES = {"euler1d": (1, 3, 2000), "acoustics2d": (2, 3, 320), "burgers2d": (2, 1, 320), "advection2d": (2, 1, 160)}
VARIANTS = ("standard", "tuned")


def program(case: str, variant: str) -> Path:
    return VENV / "bin" / f"clawpack-{case}-{variant}"


def run(case: str, cells: int, variant: str, save: Path | None) -> dict[str, Any]:
    dimensions, components, _ = CASES[case]
    command = [str(program(case, variant)), *([case] if dimensions == 2 else []), str(cells)]
    if dimensions == 2:  # read by advection2d
        command.append("cell" if variant == "standard" else "scaled")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "state"
        done = subprocess.run([*command, *([str(raw)] if save else [])], capture_output=True, text=True, check=True)
        if save:
            import numpy as np

            np.save(save, np.fromfile(raw).reshape(*[cells] * dimensions, components))
    steps, attempts, seconds, cpu, least, largest = (float(word) for word in done.stdout.split())
    return {
        "peer": "clawpack",
        "version": (VENV / "clawpack-version").read_text().strip(),
        "case": case,
        "variant": variant,
        "cells": cells,
        "steps": int(steps),
        "rejected_steps": int(attempts - steps),
        "step_min": least,
        "step_max": largest,
        "seconds": seconds,
        "mcells_per_second": cells**dimensions * steps / seconds / 1e6,
        "cores_used": cpu / seconds,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--cells", type=int, help="cells a side")
    parser.add_argument("--variant", choices=VARIANTS, default="standard")
    parser.add_argument("--save", type=Path, metavar="FILE.npy", help="the last state, [y,] x, component; needs numpy")
    parser.add_argument("--json", action="store_true", help="print one JSON object on one line")
    args = parser.parse_args()
    if not program(args.case, args.variant).exists():
        print(f"clawpack: no {program(args.case, args.variant)}: run bench/peers/clawpack_setup.sh", file=sys.stderr)
        return 1
    try:
        report = run(args.case, args.cells or CASES[args.case][2], args.variant, args.save)
    except subprocess.CalledProcessError as error:
        print(f"clawpack: {error}: {error.stderr.strip()}", file=sys.stderr)
        return 1
    print(json.dumps(report) if args.json else "\n".join(f"{key:18} {value}" for key, value in report.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
