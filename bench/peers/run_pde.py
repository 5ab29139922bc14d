#!/usr/bin/env python3
"""Compares lowtide's finite-volume solvers with Clawpack's, in turn, on one core. See README.md."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

from clawpack_peer import CASES, VARIANTS, VENV, program
from run import HERE, ROOT, Report, find_lowtide, note, run_json

SAME = ("case", "cells")  # what both reports must agree on


def find_clawpack(case: str, variant: str) -> list[str] | None:
    if program(case, variant).exists():
        python = VENV / "bin" / "python"
        return [str(python), str(HERE / "clawpack_peer.py"), case, "--variant", variant, "--json"]
    note(f"[run] skipped Clawpack: no {program(case, variant)}. To get it: bench/peers/clawpack_setup.sh")
    return None


def spread(values: list[float]) -> Report:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def compare(case: str, cells: int, variant: str, own: list[str] | None, args: argparse.Namespace) -> Report | None:
    """Lowtide, Clawpack, lowtide, ..: a ratio belongs to one such pair, so slow drifts of the machine cancel."""
    peer = find_clawpack(case, variant)
    runs: dict[str, list[Report]] = {"lowtide": [], "clawpack": []}
    commands = {
        "lowtide": [*own, "--case", case, "--cells", str(cells), "--json"] if own else None,
        "clawpack": [*peer, "--cells", str(cells)] if peer else None,
    }
    commands = {name: command for name, command in commands.items() if command}
    for _ in range(args.rounds):
        reports = {name: run_json(command, args.timeout) for name, command in commands.items()}
        if all(reports.values()):
            for name, report in reports.items():
                runs[name].append(report)
    row: Report = {"case": case, "cells": cells, "variant": variant}
    for name, reports in runs.items():
        if reports:
            row[name] = {key: spread([r[key] for r in reports]) for key in ("mcells_per_second", "seconds")}
            row[name] |= {"steps": reports[0]["steps"]}
            row[name] |= {"cores_used": min(r["cores_used"] for r in reports)} if "cores_used" in reports[0] else {}
    if not any(runs.values()):
        return None
    pairs = list(zip(runs["lowtide"], runs["clawpack"]))
    if pairs:
        for key in SAME:
            if pairs[0][0][key] != pairs[0][1][key]:
                note(f"[run] {case}: {key} is {pairs[0][0][key]} in lowtide, {pairs[0][1][key]} in Clawpack")
        row["ratio_rate"] = spread([m["mcells_per_second"] / o["mcells_per_second"] for m, o in pairs])
        row["ratio_seconds"] = spread([o["seconds"] / m["seconds"] for m, o in pairs])
    return row


def table(rows: list[Report]) -> str:
    head = ["case", "cells", "program", "steps", "Mcells/s", "min-max", "seconds", "min-max", "cores"]
    lines = [[*head, "rate ratio", "min-max", "run ratio", "min-max"]]
    for row in rows:
        for name in ("lowtide", "clawpack"):
            if name not in row:
                continue
            r, label = row[name], name if name == "lowtide" else f"{name} {row['variant']}"
            line = [row["case"], str(row["cells"]), label, str(r["steps"])]
            line += median_and_range(r["mcells_per_second"], ".2f") + median_and_range(r["seconds"], ".4g")
            line += [f"{r['cores_used']:.2f}" if "cores_used" in r else "-"]
            if name == "clawpack" and "ratio_rate" in row:
                line += median_and_range(row["ratio_rate"], ".2f") + median_and_range(row["ratio_seconds"], ".2f")
            else:
                line += [""] * 4
            lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in lines)


def median_and_range(values: Report, layout: str) -> list[str]:
    return [format(values["median"], layout), f"{values['min']:{layout}}-{values['max']:{layout}}"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="*", metavar="CASE", help=f"which cases (all): {', '.join(CASES)}")
    parser.add_argument("--cells", type=int, help="cells a side, of every case")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="holds bench/bench_pde")
    parser.add_argument("--variant", choices=VARIANTS, action="append", help="of Clawpack (both)")
    parser.add_argument("--cpu", type=int, help="the CPU to use")
    parser.add_argument("--rounds", type=int, default=5, help="pairs lowtide, Clawpack")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one program")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for name in args.case:
        if name not in CASES:
            parser.error(f"unknown {name}; there are {', '.join(CASES)}")
    return args


def main() -> int:
    args = arguments()
    cpu = min(os.sched_getaffinity(0)) if args.cpu is None else args.cpu
    os.sched_setaffinity(0, [cpu])  # inherited by every program
    own = find_lowtide(args.build, "pde")
    rows = []
    for case in args.case or CASES:
        for variant in args.variant or VARIANTS:
            row = compare(case, args.cells or CASES[case][2], variant, own, args)
            rows += [row] if row else []
    print(json.dumps(rows) if args.json else table(rows))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
