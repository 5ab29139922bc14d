#!/usr/bin/env python3
"""A step of training on viscous Burgers' equation in PyTorch, and lowtide's bench_pinn in turn with it.

`torch_pinn.py --build build/release --threads 1` for all sizes. A step is the residual u_t + u u_x - nu u_xx of a
tanh network 2-w-w-w-w-1 at n points by two backward sweeps, the gradient of its mean square, and Adam; f32.
Points are in the unit of the network, so that neither side scales them.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SIZES = ((40, 2000), (40, 10000), (128, 2000), (128, 10000))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path(__file__).resolve().parents[2] / "build" / "release")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5, help="pairs lowtide, PyTorch")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one timing")
    parser.add_argument("--alone", nargs=2, type=int, metavar=("WIDTH", "POINTS"), help="PyTorch's step of one size")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def alone(args: argparse.Namespace) -> None:
    from machine import choose_blas_kernels, confine, favour_torch

    confine(args.threads)
    choose_blas_kernels()
    favour_torch(avx512=True)
    import torch

    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    width, count = args.alone
    widths = [2, width, width, width, width, 1]
    layers = []
    for inside, outside in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(inside, outside), torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1])
    xt, ones, nu = (2 * torch.rand(count, 2) - 1).requires_grad_(), torch.ones(count, 1), 0.01 / math.pi
    adam = torch.optim.Adam(net.parameters(), lr=1e-6, foreach=True)

    def step() -> None:
        u = net(xt)
        (slope,) = torch.autograd.grad(u, xt, ones, create_graph=True)
        u_x, u_t = slope[:, :1], slope[:, 1:]
        (second,) = torch.autograd.grad(u_x, xt, ones, create_graph=True)
        loss = (u_t + u * u_x - nu * second[:, :1]).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    for _ in range(3):
        step()
    times, end = [], time.perf_counter() + args.seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(json.dumps({"seconds": statistics.median(times)}))


def answer(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f"torch_pinn: {' '.join(command)}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return json.loads(done.stdout)


def main() -> None:
    args = arguments()
    cpus = sorted(os.sched_getaffinity(0))[: args.threads]
    os.sched_setaffinity(0, cpus)
    if args.alone:
        return alone(args)
    rows = []
    for width, count in SIZES:
        sizes = ["--width", str(width), "--points", str(count)]
        own = [str(args.build / "bench" / "bench_pinn"), *sizes, "--threads", str(args.threads), "--json"]
        peer = ["/usr/bin/python3", __file__, "--threads", str(args.threads), "--seconds", str(args.seconds), "--alone"]
        pairs = [(answer(own), answer([*peer, str(width), str(count)])) for _ in range(args.rounds)]
        ratios = [theirs["seconds"] / ours["seconds"] for ours, theirs in pairs]
        rows.append({
            "width": width, "points": count, "threads": args.threads,
            "lowtide_ms": 1e3 * statistics.median(ours["seconds"] for ours, _ in pairs),
            "torch_ms": 1e3 * statistics.median(theirs["seconds"] for _, theirs in pairs),
            "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios),
        } | {key: statistics.median(ours[key] for ours, _ in pairs) for key in ("ns_u", "ns_u_x", "ns_u_xx")})
        if not args.json:
            print("  ".join(f"{key} {value:.4g}" for key, value in rows[-1].items()), flush=True)
    if args.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
