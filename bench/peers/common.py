"""What the peers share: sizes, inputs, flop counts, timing and report. Needs numpy only.

The inputs are uniform random numbers from one seed, so that both peers compute the
same thing; for speed it matters only that they are finite and never denormal.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from command_line import args

Array = np.ndarray
Step = Callable[[], list[Any]]  # one step; returns its results when they are finished
Quantities = dict[str, dict[str, Step]]  # quantity ("gradient", "hvp", ..) -> variant -> step


# ---------------------------------------------------------------- the four benchmarks and their sizes


@dataclass(frozen=True)
class Lrnr:
    """z0 = x;  y = U (s1 * V^T z) + B s2;  z = tanh(y), last layer linear;  s(t) by a small tanh network."""

    width: int = 1200
    rank: int = 150
    depth: int = 5
    frames: int = 16
    frame_points: int = 500
    hyper_width: int = 25
    hyper_layers: int = 3  # tanh layers before the linear head

    def hyper_sizes(self) -> list[int]:
        return [1, *[self.hyper_width] * self.hyper_layers, 2 * self.rank * self.depth]

    def layer_sizes(self) -> list[int]:
        return [1, *[self.width] * (self.depth - 1), 1]

    def small(self) -> Lrnr:
        return replace(self, width=40, rank=6, frames=3, frame_points=20, hyper_width=5)

    def arrays(self) -> tuple[list[Array], list[tuple[Array, Array, Array]], tuple[Array, Array, Array]]:
        """Hypernetwork [W1, b1, ..], low-rank layers [(U, V, B), ..], data (t, x, y)."""
        rng = np.random.default_rng(1)
        sizes, hyper = self.hyper_sizes(), []
        for n_in, n_out in zip(sizes, sizes[1:]):
            hyper += [uniform(rng, math.sqrt(3 / n_in), n_in, n_out), uniform(rng, 1.0, n_out)]
        hyper[-2] *= np.float32(0.1)
        head_bias = np.ones((self.depth, 2, self.rank))  # s2 near 1, s1 near sqrt(M/r)
        head_bias[:, 0] = math.sqrt(self.width / self.rank)
        hyper[-1] = head_bias.ravel().astype(np.float32)
        sizes, layers = self.layer_sizes(), []
        for n_in, n_out in zip(sizes, sizes[1:]):
            layers.append(
                (
                    uniform(rng, math.sqrt(3 / max(n_out, self.rank)), n_out, self.rank),  # U: near orthonormal
                    uniform(rng, math.sqrt(3 / max(n_in, self.rank)), n_in, self.rank),  # V
                    uniform(rng, math.sqrt(3 / self.rank), n_out, self.rank),  # B
                )
            )
        t = np.linspace(-1, 1, self.frames, dtype=np.float32)[:, None]
        x = uniform(rng, 1.0, self.frames, self.frame_points, 1)
        y = np.sin(np.pi * (x - t[:, None, :])).astype(np.float32)
        return hyper, layers, (t, x, y)

    def flops(self) -> float:
        """Useful flops of a step: the least that loss and gradient need, matrix products only.

        A product of n x k and k x m counts 2nkm forwards and twice that backwards.
        A point: 12 M r for each of the depth-2 hidden layers (4 M r forwards: V^T z, then U times that);
                 4 M d in the first layer (W x, and dW; x needs no gradient), 6 M c in the last (W assembled).
        A frame: 6 M r (d + c) to assemble the two thin W = U diag(s1) V^T, 6 r (out) for each bias B s2,
                 6 (in)(out) for each hypernetwork layer. Here d = c = 1.
        Tanh and additions are not counted, nor is anything that a program computes twice.
        """
        m, r = self.width, self.rank
        point = 12 * m * r * (self.depth - 2) + 4 * m + 6 * m
        sizes = self.hyper_sizes()
        frame = 6 * m * r * 2 + 6 * r * sum(self.layer_sizes()[1:])
        frame += 6 * sum(a * b for a, b in zip(sizes, sizes[1:]))
        return float(self.frames * (self.frame_points * point + frame))


@dataclass(frozen=True)
class Siren:
    """(x, t) -> u with 5 linear layers 2-512-512-512-512-1; sin(30 y) after the first four."""

    width: int = 512
    depth: int = 5
    points: int = 16_000
    omega: float = 30.0

    def sizes(self) -> list[int]:
        return [2, *[self.width] * (self.depth - 1), 1]

    def small(self) -> Siren:
        return replace(self, width=24, points=1000)  # two tiles

    def arrays(self) -> tuple[list[Array], tuple[Array, Array]]:
        rng = np.random.default_rng(2)
        sizes, params = self.sizes(), []
        for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
            bound = 1 / n_in if layer == 0 else math.sqrt(6 / n_in) / self.omega
            params += [uniform(rng, bound, n_in, n_out), uniform(rng, bound, n_out)]
        x = uniform(rng, 1.0, self.points, 2)
        return params, (x, np.sin(np.pi * (x[:, :1] - x[:, 1:])).astype(np.float32))

    def flops(self) -> float:
        """6 (in)(out) a point and layer; 4 in the first, whose input needs no gradient."""
        sizes = self.sizes()
        return float(self.points * (6 * sum(a * b for a, b in zip(sizes, sizes[1:])) - 2 * sizes[0] * sizes[1]))


@dataclass(frozen=True)
class Chain:
    """250 times x*c, x+c, tanh, sin on 16 elements; gradient of the sum with respect to x."""

    elements: int = 16
    rounds: int = 250

    @property
    def ops(self) -> int:
        return 4 * self.rounds

    def small(self) -> Chain:
        return replace(self, rounds=10)

    def arrays(self) -> tuple[Array, Array]:
        """x and c. With c near -3 a round has slope near -1, so the gradient neither dies nor goes denormal."""
        return uniform(np.random.default_rng(3), 1.0, self.elements), np.linspace(
            -3.0, -3.1, self.elements, dtype=np.float32
        )


@dataclass(frozen=True)
class Hvp:
    """Network 2-64-64-64-1 (three tanh layers, linear last), mean square misfit over the points.

    gradient:  of the loss, to all parameters
    hvp:       Hessian of the loss times one direction in parameter space
    push_push: u_xx at every point, x the first of the two inputs
    """

    width: int = 64
    hidden: int = 3
    points: int = 1000

    def sizes(self) -> list[int]:
        return [2, *[self.width] * self.hidden, 1]

    def small(self) -> Hvp:
        return replace(self, width=8, points=30)

    def arrays(self) -> tuple[list[Array], list[Array], tuple[Array, Array]]:
        """Parameters, direction, data."""
        rng = np.random.default_rng(4)
        sizes, params = self.sizes(), []
        for n_in, n_out in zip(sizes, sizes[1:]):
            params += [uniform(rng, math.sqrt(3 / n_in), n_in, n_out), uniform(rng, 1.0, n_out)]
        direction = [uniform(rng, 1.0, *p.shape) for p in params]
        x = uniform(rng, 1.0, self.points, 2)
        return params, direction, (x, np.sin(np.pi * (x[:, :1] - x[:, 1:])).astype(np.float32))


CASES = {"lrnr": Lrnr(), "siren": Siren(), "chain": Chain(), "hvp": Hvp()}


def uniform(rng: np.random.Generator, bound: float, *shape: int) -> Array:
    return ((2 * rng.random(shape) - 1) * bound).astype(np.float32)


# ---------------------------------------------------------------- timing and report


def measure(step: Step, repeats: int, at_least: float = 0.02) -> list[float]:
    """Seconds of a step, `repeats` samples, each of enough calls to last `at_least` seconds; two calls warm up."""
    step()
    start = time.perf_counter()
    step()
    calls = max(1, math.ceil(at_least / (time.perf_counter() - start)))
    samples = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(calls):
            step()
        samples.append((time.perf_counter() - start) / calls)
    return samples


def main(peer: str, version: str, benches: dict[str, Callable[[Any], Quantities]]) -> None:
    case = CASES[args.bench]
    head = {"peer": peer, "version": version, "bench": args.bench, "threads": args.threads}
    if args.selfcheck:
        small = benches[args.bench](case.small())
        results = {f"{q}/{v}": as_lists(step()) for q, steps in small.items() for v, step in steps.items()}
        print(json.dumps(head | {"results": results}))
        return
    wall, cpu = time.perf_counter(), time.process_time()
    samples = {
        quantity: {variant: measure(step, args.repeats) for variant, step in steps.items()}
        for quantity, steps in benches[args.bench](case).items()
    }
    cores = (time.process_time() - cpu) / (time.perf_counter() - wall)
    report = head | summary(case, samples) | {"cores_used": cores}
    if args.json:
        print(json.dumps(report))
    else:
        print("\n".join(f"{key:18} {value}" for key, value in report.items()))


def summary(case: Any, samples: dict[str, dict[str, list[float]]]) -> dict[str, Any]:
    """The fastest variant of each quantity, and the medians of all of them."""
    medians = {q: {v: statistics.median(s) for v, s in variants.items()} for q, variants in samples.items()}
    best = {q: min(m, key=lambda v: m[v]) for q, m in medians.items()}
    gradient = medians["gradient"][best["gradient"]]
    out: dict[str, Any] = {
        "seconds_median": gradient,
        "seconds_min": min(samples["gradient"][best["gradient"]]),
        "variant": best["gradient"],
    }
    if isinstance(case, (Lrnr, Siren)):
        out |= {"gflop": case.flops() / 1e9, "gflops": case.flops() / 1e9 / gradient}
    if isinstance(case, Chain):
        out |= {"ns_per_op": 1e9 * gradient / case.ops}
        if best["gradient"] != "eager" and "eager" in medians["gradient"]:
            out |= {"ns_per_op_eager": 1e9 * medians["gradient"]["eager"] / case.ops}
    if isinstance(case, Hvp):
        for q in medians:
            out |= {f"seconds_{q}": medians[q][best[q]], f"ratio_{q}": medians[q][best[q]] / gradient}
    return out | {"size": asdict(case), "variants": medians}


def as_lists(arrays: list[Any]) -> list[list[float]]:
    return [[float(v) for v in np.asarray(a).ravel()] for a in arrays]
