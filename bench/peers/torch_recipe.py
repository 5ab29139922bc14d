#!/usr/bin/python3
"""Trains an LRNR on snapshots of a fixed grid in one dimension by lowtide's fast recipe, in PyTorch. See README.md.

torch_recipe.py --data FILE.h5 --epochs 150 --json
torch_recipe.py --data FILE.h5 --steps-only 300 --threads 2
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time

from machine import choose_blas_kernels, confine, favour_torch, loaded_blas

RECIPES = {"fast": (1.5e-3, "81:5"), "adam": (3e-3, "27:5"), "paper": (1e-3, "16:1")}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="from `lowtide data euler1d -o FILE.h5`")
    parser.add_argument("--column", type=int, default=0, help="of /u (0: density)")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--rank", type=int, default=24)
    parser.add_argument("--recipe", choices=RECIPES, default="fast")
    parser.add_argument("--batch", help="f:p, f frames and every p-th point a step (of the recipe)")
    parser.add_argument("--lr", type=float, help="(of the recipe)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init", help="start from these parameters, .safetensors or .npz, in lowtide's order")
    parser.add_argument("--gradient", choices=("hand", "autograd"), default="hand")
    parser.add_argument("--workers", type=int, help="Python threads that share a batch (hand; --threads)")
    parser.add_argument("--chunks", type=int, default=1, help="parts of a batch, one after another (hand)")
    parser.add_argument("--steps-only", type=int, metavar="N", help="time N steps after 20, evaluate nothing")
    parser.add_argument("--save", help="write parameters (npz) at the end")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.workers is None:
        args.workers = args.threads if args.gradient == "hand" else 1
    return args


args = arguments()
library_threads = max(1, args.threads // args.workers)
confine(args.threads, library_threads)
choose_blas_kernels()
favour_torch()

import h5py  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from torch_lrnr import Autograd, ByHand, Size, Theta, output, scale_output, start  # noqa: E402
from torch_optim import Muon, Soap  # noqa: E402

torch.set_num_threads(library_threads)


def load_data(path: str, column: int) -> tuple[Tensor, Tensor, Tensor]:
    """t (T,1) and x (n,1) in [-1,1], y (T,n) with largest absolute value 1."""
    with h5py.File(path) as file:
        t, x, u = file["t"][:], file["x"][:], file["u"][:, column]
        low, high = float(file.attrs["low"][0]), float(file.attrs["high"][0])
    if len(x) * len(t) != len(u) or x.shape[1] != 1:
        raise SystemExit(f"{path}: not on a fixed grid in one dimension")
    t = 2 * (t - t[0]) / (t[-1] - t[0]) - 1
    x = 2 * (x - low) / (high - low) - 1
    y = u.reshape(len(t), len(x)) / np.abs(u).max()
    return torch.tensor(t[:, None]).float(), torch.tensor(x).float(), torch.tensor(y).float()


def load_parameters(path: str) -> list[np.ndarray]:
    """In the order of the file: by number where names begin with one, else as they lie."""
    if path.endswith(".npz"):
        with np.load(path) as file:
            named = {name: file[name] for name in file.files}
    else:
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            body = file.read()
        header.pop("__metadata__", None)
        named = {}
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            kind = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
            begin, end = entry["data_offsets"]
            named[name] = np.frombuffer(body[begin:end], kind).reshape(entry["shape"])
    if all(name.isdigit() for name in named):
        return [named[name] for name in sorted(named, key=int)]
    return list(named.values())


class Batches:
    """"f:p": frames are shuffled and dealt, each hand comes p times, once for every offset, in random order."""

    def __init__(self, text: str, t: Tensor, x: Tensor, y: Tensor, generator: torch.Generator):
        frames, _, stride = text.partition(":")
        self.frames, self.stride = min(int(frames), len(t)), int(stride or 1)
        self.t, self.generator = t, generator
        self.x = [x[o :: self.stride].contiguous() for o in range(self.stride)]
        self.y = [y[:, o :: self.stride].contiguous() for o in range(self.stride)]
        self.squares = [part.square().sum().item() for part in self.y]
        self.count = math.ceil(len(t) / self.frames) * self.stride

    def epoch(self):
        """Yields t, x, y and sum y^2."""
        everything = self.frames == len(self.t)
        order = None if everything else torch.randperm(len(self.t), generator=self.generator)
        for k in torch.randperm(self.count, generator=self.generator).tolist():
            hand, o = divmod(k, self.stride)
            if everything:
                yield self.t, self.x[o], self.y[o], self.squares[o]
            else:
                rows = order[hand * self.frames : (hand + 1) * self.frames]
                y = self.y[o][rows]
                yield self.t[rows], self.x[o], y, y.square().sum().item()


class Training:
    def __init__(self) -> None:
        rate, batch = RECIPES[args.recipe]
        self.lr = args.lr or rate
        generator = torch.Generator().manual_seed(args.seed)
        self.t, self.x, self.y = load_data(args.data, args.column)
        size = Size(args.width, args.rank)
        self.theta, self.grad = start(size, generator), Theta(size)
        if args.init:
            self.theta.load(load_parameters(args.init))
        else:
            scale_output(self.theta, self.t, self.x, 0.5 * self.y.square().mean().sqrt().item())
        self.batches = Batches(args.batch or batch, self.t, self.x, self.y, generator)
        if args.gradient == "hand":
            self.loss = ByHand(self.theta, self.grad, args.chunks, args.workers)
        else:
            self.loss = Autograd(self.theta, self.grad)
        self.steps, self.plateau = 0, None
        if args.recipe == "fast":
            self.optimizers = [Muon(self.theta, self.grad), Soap(self.theta, self.grad, 2 if args.epochs <= 150 else 1)]
        else:
            self.theta.flat.grad = self.grad.flat
            betas = (0.9, 0.99) if args.recipe == "adam" else (0.9, 0.999)
            self.adam = torch.optim.Adam([self.theta.flat], lr=self.lr, betas=betas)
            if args.recipe == "paper":
                self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
                    self.adam, factor=0.98, patience=10, threshold=1e-3
                )

    def step(self, t: Tensor, x: Tensor, y: Tensor, scale: float) -> Tensor:
        loss = self.loss(t, x, y, scale)
        e = (self.steps + 0.5) / self.batches.count
        decay = max(0.0, 1 - e / args.epochs)
        if args.recipe == "fast":
            for optimizer in self.optimizers:
                optimizer.step(self.lr * min(1, e / 5) * decay)
        else:
            if args.recipe == "adam":
                self.adam.param_groups[0]["lr"] = self.lr * decay
            self.adam.step()
        self.steps += 1
        return loss

    def epoch(self) -> float:
        losses = [self.step(*batch) for batch in self.batches.epoch()]
        mean = torch.stack(losses).mean().item()
        if not math.isfinite(mean):
            raise SystemExit(f"diverged after {self.steps} steps")
        if self.plateau:
            self.plateau.step(mean)
        return mean

    def errors(self) -> dict[str, float]:
        y = self.y.double()
        d = output(self.theta, self.t, self.x).double() - y
        return {"mse": (d.square().sum() / y.square().sum()).item(), "l1": (d.abs().sum() / y.abs().sum()).item()}

    def time_steps(self, count: int) -> list[float]:
        seconds: list[float] = []
        while len(seconds) < count + 20:
            for batch in self.batches.epoch():
                begin = time.perf_counter()
                self.step(*batch)
                seconds.append(time.perf_counter() - begin)
        return seconds[20 : count + 20]


def main() -> None:
    training = Training()
    report = {"peer": "torch", "version": torch.__version__, "recipe": args.recipe, "threads": args.threads}
    report |= {"batch": args.batch or RECIPES[args.recipe][1], "seed": args.seed, "gradient": args.gradient}
    report["parameters"] = training.theta.flat.numel()
    cpu, begin = time.process_time(), time.perf_counter()
    if args.steps_only:
        samples = training.time_steps(args.steps_only)
        report |= {"steps": len(samples), "seconds": sum(samples), "seconds_a_step": statistics.median(samples)}
        report["seconds_a_step_min"] = min(samples)
    else:
        report["below_5e-4"] = None
        for epoch in range(args.epochs):
            if training.epoch() < 5e-4 and report["below_5e-4"] is None:
                report["below_5e-4"] = {"epochs": epoch + 1, "seconds": time.perf_counter() - begin}
        seconds = time.perf_counter() - begin
        report |= {"steps": training.steps, "seconds": seconds, "seconds_a_step": seconds / max(1, training.steps)}
        report |= {"epochs": args.epochs, **training.errors()}
    report["cores_used"] = (time.process_time() - cpu) / (time.perf_counter() - begin)
    config = torch.__config__.show().splitlines()
    report["blas"] = loaded_blas() or "not OpenBLAS"
    report["torch_config"] = [line.strip(" -") for line in config if "MKL" in line or "CPU capability" in line][:2]
    if args.save:
        np.savez(args.save, **{str(k): p.numpy() for k, p in enumerate(training.theta.tensors())})
    print(json.dumps(report) if args.json else "\n".join(f"{key:18} {value}" for key, value in report.items()))


if __name__ == "__main__":
    sys.exit(main())
