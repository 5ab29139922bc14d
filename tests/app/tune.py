"""lowtide tune: what it says, what it saves, and what it refuses."""

import os
import tempfile
from pathlib import Path

import numpy as np
import runs
from runs import good, json, refused, require, settings, tensors

tiny = settings(model__width=24, model__rank=4, model__depth=3, train__steps=300, pinn__points=100, train_values=3)
quick = ["--points", "200", "--steps", "3"]


def check_table(run: Path, folder: Path) -> None:
    mu, file = [0.01, 0.03], folder / "s.safetensors"
    words = ["tune", run, *quick, "--mu", "0.01,0.03", "--fast", "8", "--json"]
    told = json.loads(good(*words, "-o", file))
    require(told["coefficients"] == 24 and told["parameters"] == ["nu"] and told["points"] == 200, f"{told}")
    require([row["mu"] for row in told["values"]] == [[value] for value in mu], "the values asked for")
    for row in told["values"]:
        require(0 < row["full"]["loss"] < row["before"]["loss"], f"tuning lowers the loss: {row}")
        require(1 <= row["full"]["steps"] <= 3 and row["reduced"]["seconds_per_step"] > 0, f"steps: {row}")
        require(0 < row["before"]["rel_l2"] < 1 and row["reduced"]["rel_l2"] > 0, f"errors: {row}")
    require(told["reduced"]["rank"] == 8 and told["reduced"]["points"] == 32, f"{told['reduced']}")

    arrays, metadata = tensors(file)
    require(np.array_equal(arrays["mu"].ravel(), mu) and arrays["s"].shape == (2, 24), "coefficients are saved")
    require(metadata["tuned_by"] == "reduced network" and np.isfinite(arrays["s"]).all(), f"{metadata}")
    refused(2, "exists", *words, "-o", file)

    again = json.loads(good(*words, "--threads", "1"))
    for row, other in zip(told["values"], again["values"]):
        require(row["full"]["rel_l2"] == other["full"]["rel_l2"], "the same numbers on one thread")
        require(row["reduced"]["rel_l2"] == other["reduced"]["rel_l2"], "and of the reduced network")

    own = json.loads(good("tune", run, *quick, "--method", "lbfgs", "--json"))
    require(len(own["values"]) == 2 and "reduced" not in own["values"][0], "the case's own new values")
    heldout = json.loads(good("compare", run, "--json"))[0]["heldout"]["rel_l2"]
    squares = [row["before"]["rel_l2"] for row in own["values"]]
    require(min(squares) * 0.9 < heldout < max(squares) * 1.1, f"as compare says: {heldout}, {squares}")
    text = good("tune", run, *quick, "--mu", "0.02", "--fast", "--method", "adam", "--one-basis")
    require("before" in text and "reduced" in text and "ratio" in text, text)


def check_refusals(run: Path, folder: Path) -> None:
    refused(2, "outside of", "tune", run, "--mu", "0.2")
    refused(2, "outside of", "tune", run, "--mu", "nan")
    refused(2, "--fast 100: larger than the width 24", "tune", run, "--mu", "0.02", "--fast", "100")
    refused(2, "unknown method 'best'", "tune", run, "--method", "best")
    refused(2, "--steps", "tune", run, "--steps", "0")
    refused(2, "--mu", "tune", run, "--mu", "fast")
    refused(2, "no such folder", "tune", folder / "nowhere")
    good("train", *runs.small, *settings(train__epochs=1, train__l1_epochs=1), "--out", folder / "tube")
    refused(2, "has learned from data", "tune", folder / "tube")
    one = settings(train__steps=2, pinn__points=20)
    good("train", "pinn_burgers1d", *one, "--model", "lrnr", "--out", folder / "single")
    refused(2, "has no parameters", "tune", folder / "single")
    for model in ("mlp", "nif", "siren", "colora"):
        for case in ("pinn_convection_family1d", "pinn_burgers_family1d"):
            words = [*one, *settings(model__width=8, train_values=2)]
            good("train", case, *words, "--model", model, "--out", folder / case / model)
    refused(2, "no low-rank coefficients", "tune", folder / "pinn_burgers_family1d" / "mlp")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        folder = Path(name)
        good("train", "pinn_burgers_family1d", *tiny, "--out", folder / "run")
        check_table(folder / "run", folder)
        check_refusals(folder / "run", folder)
    print(f"{runs.checks} passed, 0 failed")
