"""Training on an equation as its user meets it: from settings to errors, mistakes, and runs that are stopped."""

import os
import signal
import tempfile
from pathlib import Path

from runs import good, json, metrics, refused, require, settings, stopped, without_seconds
import runs

wave = ["train", "pinn_convection1d", *settings(beta=2, model__width=16, pinn__points=200, pinn__redraw=25, pinn__over=4,
                                                train__steps=160, train__gauss_newton=6, train__lbfgs=40)]


def check_errors(folder: Path) -> None:
    here = folder / "errors"
    told = json.loads(good(*wave, "--out", here, "--json"))
    require(told["model"] == "siren-xt" and told["steps"] == 160 + 6 + 4, f"what was trained: {told}")
    require(told["gflop"] > 0, "flops are counted")
    lines = metrics(here)
    require([line["step"] for line in lines] == [99, *range(160, 170)], "a line every 100 steps, and each of second order")
    require(all({"equation", "initial", "periodic"} <= set(line) for line in lines), "each term has its own column")
    require(lines[-1]["loss"] < lines[1]["loss"] / 3, "second order helps")
    compared = json.loads(good("compare", here, "--json"))
    row = (compared["runs"] if isinstance(compared, dict) else compared)[0]
    require(row["heldout"]["rel_l2"] < 0.1, f"errors of the reference: {row}")


def check_mistakes(folder: Path) -> None:
    out = ["--out", folder / "none"]
    file = folder / "some.h5"
    good("data", "euler1d", "--set", "cells=40", "--set", "frames=5", "-o", file)
    refused(2, "recipe paper", *wave, "--recipe", "paper", *out)
    refused(2, "--data", *wave, "--data", file, *out)
    for model in ("pod", "lrnr-cheb"):
        refused(2, model, "train", "pinn_burgers1d", "--model", model, *out)
    for name, value, words in (("pinn.sampling", "latin", "unknown sampling latin"), ("pinn.over", "0.5", "pinn.over"),
                               ("optim.name", "lbfgs", "train.lbfgs"), ("pinn.grow", "2", "pinn.grow"),
                               ("train.gauss_newton", "-1", "train.gauss_newton"), ("nu", "0", "nu")):
        refused(2, words, "train", "pinn_burgers1d", "--set", f"{name}={value}", *out)
    refused(2, "nothing to do", "train", "pinn_burgers1d", *settings(train__steps=0), *out)
    refused(2, "fewer of either", "train", "pinn_poisson2d", *settings(model__width=1000), *out)
    refused(2, "did you mean pinn.points", "train", "pinn_poisson2d", "--set", "pinn.point=3", *out)


def check_resume(folder: Path) -> None:
    """Stopped in the middle of a set of points, of Gauss and Newton's method and of L-BFGS: the same bytes."""
    straight = folder / "straight"
    good(*wave, "--out", straight)
    hits = 0
    for step in (10, 37, 110, 162, 167):
        for attempt in range(3):
            here = folder / f"stopped{step}-{attempt}"
            arguments = [*wave, "--out", here]
            if not stopped(here, signal.SIGTERM, step, *arguments):
                continue
            hits += 1
            good("train", "--resume", here)
            same = (here / "model.safetensors").read_bytes() == (straight / "model.safetensors").read_bytes()
            require(same and without_seconds(here) == without_seconds(straight), f"stopped at {step}: other bytes")
            break
    require(hits >= 4, f"{hits} of five were stopped before they were done")
    one = folder / "one"
    good(*wave, "--out", one, "--threads", "1")
    require((one / "model.safetensors").read_bytes() == (straight / "model.safetensors").read_bytes(), "one thread")


with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
    for check in (check_errors, check_mistakes, check_resume):
        check(Path(name))
print(f"{runs.checks} passed, 0 failed")
