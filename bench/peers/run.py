#!/usr/bin/env python3
"""Compares lowtide's benchmarks with PyTorch's and JAX's, in turn and in one go. See README.md."""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BENCHES = ("lrnr", "siren", "chain", "hvp")
# (lowtide's key, the peers' key)
METRICS: dict[str, list[tuple[str, str]]] = {
    "lrnr": [("seconds", "seconds_median")],
    "siren": [("seconds", "seconds_median")],
    "chain": [("ns_per_op", "ns_per_op"), ("ns_per_op", "ns_per_op_eager")],
    "hvp": [(f"seconds_{q}",) * 2 for q in ("gradient", "hvp", "push_push")],
}
Report = dict[str, Any]


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run_json(command: list[str], timeout: float) -> Report | None:
    """The JSON object that a program prints; None, and a word about it, if it does not."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=True)
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        detail = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        note(f"[run] {' '.join(command)} failed: {detail[-1] if detail else error}")
        return None


def importable(python: str, module: str) -> bool:
    try:
        return subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0
    except OSError:
        return False


def find_peers(names: list[str]) -> dict[str, list[str]]:
    """Peer -> command. A peer that is not there is said aloud and left out."""
    venv = Path(os.environ.get("LOWTIDE_PEERS_VENV", ROOT / "build" / "peers-venv"))
    places = {
        "torch": ("/usr/bin/python3", "apt install python3-torch"),
        "jax": (str(venv / "bin" / "python"), "bench/peers/setup.sh (and $LOWTIDE_PEERS_VENV, if it is elsewhere)"),
    }
    found = {}
    for name in names:
        python, hint = places[name]
        if importable(python, name):
            found[name] = [python, str(HERE / f"{name}_peer.py")]
        else:
            note(f"[run] skipped {name}: {python} cannot import it. To get it: {hint}")
    return found


def find_lowtide(build: Path, bench: str) -> list[str] | None:
    binary = build / "bench" / f"bench_{bench}"
    if os.access(binary, os.X_OK):
        return [str(binary)]
    note(f"[run] no {binary}: build it, or give --build. Peers alone, without ratios")
    return None


def compare(
    bench: str, peer: str, peer_command: list[str], own: list[str] | None, args: argparse.Namespace
) -> list[Report]:
    """Lowtide, peer, lowtide, peer, ..: a ratio belongs to one such pair, so slow drifts of the machine cancel."""
    options = [bench, "--threads", str(args.threads), "--repeats", str(args.repeats), "--json"]
    pairs: list[tuple[Report | None, Report]] = []
    for _ in range(args.rounds):
        mine = run_json([*own, "--threads", str(args.threads), "--json"], args.timeout) if own else None
        other = run_json([*peer_command, *options], args.timeout)
        if other is not None and (mine is not None or own is None):
            pairs.append((mine, other))
    if not pairs:
        return []
    warn_of_sizes(bench, peer, *pairs[0])
    rows = []
    for own_key, key in METRICS[bench]:
        used = [(m, o) for m, o in pairs if key in o and (m is None or own_key in m)]
        if not used:
            continue
        row: Report = {"bench": bench, "metric": key, "threads": args.threads, "peer": peer}
        row |= {"version": used[0][1]["version"], "rounds": len(used)}
        row |= {"peer_median": statistics.median(o[key] for _, o in used), "peer_min": min(o[key] for _, o in used)}
        row |= {"cores_used": statistics.median(o["cores_used"] for _, o in used)}
        if own:
            ratios = [o[key] / m[own_key] for m, o in used if m]
            row |= {"lowtide_median": statistics.median(m[own_key] for m, _ in used if m)}
            row |= {"ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}
        rows.append(row)
    return rows


def warn_of_sizes(bench: str, peer: str, mine: Report | None, other: Report) -> None:
    """A ratio of different problems is worth nothing: check what lowtide's report says of its size."""
    size = (mine or {}).get("size", mine or {})
    for name, value in other["size"].items():
        if name in size and size[name] != value:
            note(f"[run] {bench}: {name} is {size[name]} in lowtide, {value} in {peer}: the ratio means nothing")


def table(rows: list[Report]) -> str:
    head = ["bench", "metric", "peer", "peer median", "min", "lowtide", "peer/lowtide", "min-max", "cores"]
    lines = [head]
    for r in rows:
        line = [r["bench"], r["metric"], f"{r['peer']} {r['version']}"]
        line += [f"{r['peer_median']:.4g}", f"{r['peer_min']:.4g}"]
        if "ratio" in r:
            span = f"{r['ratio_min']:.2f}-{r['ratio_max']:.2f}"
            line += [f"{r['lowtide_median']:.4g}", f"{r['ratio']:.2f}", span]
        else:
            line += ["-", "-", "-"]
        lines.append([*line, f"{r['cores_used']:.2f}"])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in lines)


def distance(a: list[list[float]], b: list[list[float]]) -> float:
    """Largest difference, relative to the largest value of the same array; the worst array counts."""
    if [len(x) for x in a] != [len(y) for y in b]:
        return math.inf
    worst = 0.0
    for x, y in zip(a, b):
        error = max(abs(p - q) for p, q in zip(x, y)) / max(abs(q) for q in y)
        worst = max(worst, error if math.isfinite(error) else math.inf)
    return worst


def selfcheck(peers: dict[str, list[str]], benches: list[str], timeout: float, tolerance: float = 1e-4) -> bool:
    """Every variant of every peer gives the same loss, gradient, Hessian-vector product and u_xx on a small case."""
    good = len(peers) > 1
    if not good:
        note("[run] --selfcheck needs both peers")
    for bench in benches:
        first: dict[str, tuple[str, list[list[float]]]] = {}
        for command in peers.values():
            report = run_json([*command, bench, "--selfcheck"], timeout)
            good = good and report is not None
            for name, values in (report["results"] if report else {}).items():
                quantity, label = name.split("/")[0], f"{report['peer']}:{name}"
                if quantity not in first:
                    first[quantity] = (label, values)
                    continue
                reference, expected = first[quantity]
                error = distance(values, expected)
                ok = error < tolerance
                good = good and ok
                verdict = "good" if ok else "WRONG"
                print(f"{verdict:6} {bench:6} {label} = {reference} to {error:.1e}, {sum(map(len, values))} values")
    return good


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", nargs="*", metavar="NAME", help=f"which benchmarks (all): {', '.join(BENCHES)}")
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release", help="holds bench/bench_NAME")
    parser.add_argument("--peers", default="torch,jax", help="which peers, separated by commas")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cpus", help="the CPUs to use, e.g. 2,3; the first THREADS of them serve every program")
    parser.add_argument("--rounds", type=int, default=5, help="pairs lowtide, peer")
    parser.add_argument("--repeats", type=int, default=5, help="timed samples of a peer in each round")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one program")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--selfcheck", action="store_true", help="check that the peers compute the same; no timing")
    args = parser.parse_args()
    args.peers = [name for name in args.peers.split(",") if name]
    for given, known in ((args.bench, BENCHES), (args.peers, ("torch", "jax"))):
        for name in given:
            if name not in known:
                parser.error(f"unknown {name}; there are {', '.join(known)}")
    return args


def main() -> int:
    args = arguments()
    cpus = sorted(int(c) for c in args.cpus.split(",")) if args.cpus else sorted(os.sched_getaffinity(0))
    if not 1 <= args.threads <= len(cpus):
        note(f"[run] --threads {args.threads}: there are {len(cpus)} CPUs to use")
        return 2
    os.sched_setaffinity(0, cpus[: args.threads])  # inherited by every program, so all see the same neighbours
    benches = args.bench or list(BENCHES)
    peers = find_peers(args.peers)
    if args.selfcheck:
        return 0 if selfcheck(peers, benches, args.timeout) else 1
    rows: list[Report] = []
    for bench in benches:
        own = find_lowtide(args.build, bench)
        for peer, command in peers.items():
            rows += compare(bench, peer, command, own, args)
    print(json.dumps(rows) if args.json else table(rows))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
