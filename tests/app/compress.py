"""lowtide compress: what it promises, what it saves, and what it refuses."""

import os
import tempfile
from pathlib import Path

import runs
from runs import good, json, refused, require, settings, tensors, tube

pinn = ["train", "pinn_poisson2d", *settings(model__widths="24,32,24", train__steps=30, train__gauss_newton=0, pinn__points=100)]
moved = settings(width=0.2, t_end=0.01, model__width=8, ivp__points=200, ivp__fit_points=200, ivp__fit_steps=3, ivp__rank=10)
methods = ["hmatrix", "svd", "prune", "int8"]
keys = ["layer", "method", "tol", "bytes", "dense_bytes", "weight_error", "bound", "output_rel_l2"]


def whole(told: list) -> list:
    return [row for row in told if row["layer"] == "all"]


def models(told: list) -> list:
    """Rows of layers and the row of the whole network, model by model."""
    groups = [[]]
    for row in told:
        groups[-1].append(row)
        if row["layer"] == "all":
            groups.append([])
    require(groups.pop() == [], "the last entry is of the whole network")
    return groups


def check_rows(told: list) -> None:
    for *layers, all in models(told):
        for row in [*layers, all]:
            require(list(row)[: len(keys)] == keys, f"the keys, in their order: {list(row)}")
            require(0 <= row["weight_error"] <= row["bound"] * (1 + 1e-9), f"an error within its bound: {row}")
            require(0 < row["bytes"] <= row["dense_bytes"], f"no more than dense: {row}")
            if row["tol"] is not None:
                require(row["bound"] <= row["tol"] * row["weight_size"] * (1 + 1e-9), f"a bound within the tolerance: {row}")
        require([row["layer"] for row in layers] == ["W2", "W3"], f"weights between hidden layers: {layers}")
        saved = sum(row["dense_bytes"] - row["bytes"] for row in layers)
        require(all["dense_bytes"] - all["bytes"] == saved, f"bytes add up: {all}")
        square = sum(row["weight_error"] ** 2 for row in layers)
        require(abs(square**0.5 - all["weight_error"]) <= 1e-6 * all["weight_size"], "squares of errors add up")
        file = Path(all["saved"]) / "model.safetensors"
        arrays, _ = tensors(file)
        numbers = sum(array.nbytes for array in arrays.values())
        require(file.stat().st_size < all["bytes"] + 12000, f"{file}: {file.stat().st_size} bytes, {all['bytes']} told")
        require(abs(numbers - all["bytes"]) < 200, f"{file}: {numbers} bytes of numbers, {all['bytes']} told")


def check_budgets(run: Path, folder: Path) -> None:
    words = ["compress", run, "--method", "all", "--tol", "0.8,0.6", "-o", folder / "tol", "--json"]
    told = json.loads(good(*words))
    require(json.loads((folder / "tol" / "compression.json").read_text()) == told, "what is saved is what is told")
    check_rows(told)
    require([row["method"] for row in whole(told)] == [*methods[:1] * 2, *methods[1:2] * 2, *methods[2:3] * 2, "int8"], "each method")
    for loose, tight in zip(whole(told)[:6:2], whole(told)[1:6:2]):
        require(loose["weight_error"] > tight["weight_error"] and loose["bytes"] < tight["bytes"], "a lower tolerance")
        require(loose["kernel_constant"] == tight["kernel_constant"] > 0, "a constant for each method")
    refused(2, "exists", *words)
    again = json.loads(good(*words, "--force", "--threads", "1"))
    require([row["bytes"] for row in again] == [row["bytes"] for row in told], "the same bytes on one thread")
    require([row["output_rel_l2"] for row in again] == [row["output_rel_l2"] for row in told], "and the same errors")

    count = whole(told)[0]["dense_bytes"]
    told = json.loads(good("compress", run, "--method", "hmatrix,svd,prune", "--bytes", f"50%,{count * 3 // 10}", "-o", folder / "bytes", "--json"))
    check_rows(told)
    for row, most in zip(whole(told), [count // 2, count * 3 // 10] * 3):
        require(0.8 * most < row["bytes"] <= most, f"bytes are kept and used: {row['bytes']} of {most}")
    aware = json.loads(good("compress", run, "--method", "svd", "--data-aware", "--bytes", "30%", "--tune", "3", "-o", folder / "aware", "--json"))
    check_rows(aware)
    last = aware[-1]
    require(last["data_aware"] and last["truth_rel_l2_tuned"] > 0, f"tuned: {last}")

    for row in whole(told):
        compared = json.loads(good("compare", row["saved"], "--json"))[0]
        require(abs(compared["heldout"]["rel_l2"] - row["truth_rel_l2"]) <= 1e-6 * row["truth_rel_l2"], f"as compare says: {row}")
    good("eval", whole(told)[0]["saved"], "--t", "0", "--grid", "4", "-o", folder / "values.npy")
    text = good("compress", run, "-o", folder / "text")
    require("promised" in text and "hmatrix" in text, text)


def check_refusals(run: Path, folder: Path) -> None:
    here = ["compress", run, "-o", folder / "none"]
    refused(2, "no method best", *here, "--method", "best")
    for bad in ("0", "2", "nan", "-1", "inf"):
        refused(2, "--tol", *here, "--tol", bad)
    for bad in ("0", "-5", "abc", "%", "0%", "-3%", "nan", "inf", "5x"):
        refused(2, "--bytes", *here, f"--bytes={bad}")
    refused(2, "--tune", *here, "--tune", "-1")
    refused(2, "--leaf", *here, "--leaf", "0")
    refused(2, "no such folder", "compress", folder / "nowhere")
    (folder / "empty").mkdir()
    refused(2, "", "compress", folder / "empty")
    require(not (folder / "none").exists(), "nothing is left behind")
    good("train", *tube, *settings(model__rank=4), "--model", "pod", "--out", folder / "pod")
    refused(2, "no weights that are compressed", "compress", folder / "pod")
    good("train", "ivp_heat2d", *moved, "--out", folder / "ivp")
    refused(2, "compress", "compress", folder / "ivp")


def check_low_rank(folder: Path) -> None:
    run = folder / "lrnr"
    good("train", *tube, *settings(train__epochs=2, train__l1_epochs=1, model__width=16, model__rank=10), "--out", run)
    refused(2, "--tune", "compress", run, "--tune", "3", "-o", folder / "none")
    refused(2, "dense", "compress", run, "--data-aware", "-o", folder / "none")
    told = json.loads(good("compress", run, "--method", "svd", "--tol", "0.5", "--json"))
    require(told[-1]["layer"] == "all" and told[-1]["kernel_drift"] is None, f"{told[-1]}")
    require(told[-1]["bytes"] < told[-1]["dense_bytes"], "fewer bytes")
    good("compare", told[-1]["saved"], "--json")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        folder = Path(name)
        good(*pinn, "--out", folder / "run")
        check_budgets(folder / "run", folder)
        check_refusals(folder / "run", folder)
        check_low_rank(folder)
    print(f"{runs.checks} passed, 0 failed")
