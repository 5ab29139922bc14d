"""Training runs as their user meets them: folders, settings, values, comparisons; stopped and gone on with."""

import csv
import os
import signal
import tempfile
from pathlib import Path

import h5py
import numpy as np
from runs import (checkpoints, good, json, metrics, refused, require, run, settings, small, step_of, stopped, tensors,
                  tube, without_seconds)
import runs

measures = ["rel_l1", "rel_l2", "rel_mse", "max", "tv_ratio", "shock_error"]
quick = settings(train__epochs=6, train__l1_epochs=2)


def check_folder(folder: Path) -> None:
    here = folder / "first"
    told = json.loads(good("train", *small, *quick, "--out", here, "--json"))
    require(list(told) == ["run", "model", "params", "coefficients", "steps", "seconds", "gflop"], f"keys {list(told)}")
    require(told["model"] == "lrnr" and told["coefficients"] == 2 * 5 * 4, f"what was trained: {told}")
    arrays, _ = tensors(here / "model.safetensors")
    require(told["params"] == sum(a.size for a in arrays.values()), "the count of parameters")
    files = {"config.toml", "manifest.json", "metrics.jsonl", "checkpoints", "model.safetensors"}
    require({f.name for f in here.iterdir() if f.name[0] != "."} == files, f"files {sorted(here.iterdir())}")
    manifest = json.loads((here / "manifest.json").read_text())
    require(manifest["exit"] == "done" and manifest["steps"] == told["steps"] and manifest["seed"] == 0, str(manifest))
    lines = metrics(here)
    require([line["epoch"] for line in lines] == list(range(1, 9)), "a line an epoch")
    require([line["q"] for line in lines] == [2] * 6 + [1] * 2, "q turns after six epochs")
    require(lines[-1]["step"] == told["steps"] - 1 and "heldout_l1" in lines[-1], f"the last line {lines[-1]}")
    require((here / "checkpoints" / "best.safetensors").exists(), "the best is kept")

    before = (here / "model.safetensors").read_bytes()
    refused(2, "exists; --force", "train", *small, *quick, "--out", here)
    refused(2, "no run to resume", "train", "--resume", folder / "none")
    refused(2, "--resume", "train", "--resume", here, "--set", "train.epochs=9")
    for wrong in (["--set", "train.epoch=9"], ["--model", "lrrn"], ["--recipe", "quick"], ["--set", "optim.name=adma"]):
        refused(2, "", "train", *small, *wrong, "--out", here, "--force")
    require((here / "model.safetensors").read_bytes() == before, "nothing is lost to a mistake")
    good("train", *small, *quick, "--out", here, "--force", "--seed", "3")
    require((here / "model.safetensors").read_bytes() != before, "another seed, another model")
    good("train", *small, *quick, "--out", here, "--force", "--threads", "1")
    require((here / "model.safetensors").read_bytes() == before, "one thread gives the same bytes as all")
    good("train", "--resume", here)
    require((here / "model.safetensors").read_bytes() == before, "what is done stays done")

    # In a folder of the program's choice; and config.toml repeats a run.
    subfolder = folder / "elsewhere"
    subfolder.mkdir()
    result = run("train", *tube, *quick, "--model", "mlp", cwd=subfolder)
    require(result.returncode == 0 and (subfolder / "run-euler1d-mlp" / "model.safetensors").exists(), "its own name")
    good("train", "--config", here / "config.toml", "--out", folder / "again")
    require((folder / "again" / "model.safetensors").read_bytes() == before, "config.toml makes the same model")


def check_settings(folder: Path) -> None:
    listed = {s["name"]: s for s in json.loads(good("train", *small, *quick, "--settings", "--json"))}
    require({"model.rank", "optim.lr", "loss.tau", "train.batch", "cells", "run.recipe"} <= set(listed), "all settings")
    require(str(listed["train.epochs"]["value"]) == "6" and listed["train.epochs"]["help"], "with value and help")
    require("model.rank" in good("train", *small, "--settings"), "for people")
    for case, preset, name, value in (("euler1d", "demo", "optim.l1_lr", 3e-4), ("euler1d", "paper", "optim.l1_lr", 6e-5),
                                      ("euler1d", "study", "train.epochs", 150), ("burgers2d", "study", "train.l1_epochs", 5)):
        of_preset = {s["name"]: s["value"] for s in json.loads(good("train", case, "--preset", preset, "--settings", "--json"))}
        require(float(of_preset[name]) == value, f"{name} of {case}, {preset}: {of_preset[name]}")

    config = folder / "mine.toml"
    config.write_text("cells = 50\n[train]\nepochs = 3\nl1_epochs = 0\n[model]\nwidth = 12\nrank = 3\n")
    good("train", "euler1d", "--config", config, "--set", "model.rank=2", "--set", "frames=9", "--out", folder / "set")
    written = (folder / "set" / "config.toml").read_text()
    require("rank = 2 " in written and "width = 12 " in written and "cells = 50 " in written, "--set wins over the file")
    require(len(metrics(folder / "set")) == 3, "the file counts")
    config.write_text("cells = 50\n[train]\nepochs = 3\nepohcs = 4\n")
    refused(2, "mine.toml:4: unknown setting train.epohcs; did you mean train.epochs?", "train", "euler1d", "--config", config,
            "--out", folder / "none")
    config.write_text("cells = \n")
    refused(2, "mine.toml:1", "train", "euler1d", "--config", config, "--out", folder / "none")
    refused(2, "did you mean euler1d", "train", "euler1", "--out", folder / "none")
    refused(2, "--data", "train", "data", "--out", folder / "none")
    refused(2, "every 61th point", "train", *small, "--set", "train.batch=3:61", "--out", folder / "wide")
    require(not (folder / "none").exists(), "a mistake leaves no folder")


def lrnr(arrays: dict, metadata: dict, x: np.ndarray, t: float, mu: tuple = ()) -> np.ndarray:
    """The field at points x (n,d), of nothing but the numbers in the file."""
    arrays = {name: a.astype(float) for name, a in arrays.items()}

    def scaled(values, key):
        low, high = np.array(metadata[key].split(","), float).reshape(-1, 2).T
        return 2 * (np.asarray(values) - low) / (high - low) - 1

    depth = max(int(name[1:]) for name in arrays if name[0] == "U")
    z, layers = scaled([t, *mu], "scaling.t")[None], max(int(n[7:]) for n in arrays if n.startswith("hyper.W"))
    for layer in range(1, layers + 1):
        z = z @ arrays[f"hyper.W{layer}"] + arrays[f"hyper.b{layer}"]
        z = np.tanh(z) if layer < layers else z
    head = {"linear": lambda s: s, "relu": lambda s: np.maximum(s, 0), "softplus": lambda s: np.log1p(np.exp(s))}
    s = head[metadata["model.head"]](z[0]).reshape(depth, 2, -1)
    activation = {"tanh": np.tanh, "relu": lambda y: np.maximum(y, 0), "sin": np.sin, "silu": lambda y: y / (1 + np.exp(-y))}
    z = scaled(x, "scaling.x")
    for layer in range(1, depth + 1):
        s1, s2 = s[layer - 1]
        z = ((z @ arrays[f"V{layer}"].T) * s1) @ arrays[f"U{layer}"] + s2 @ arrays[f"B{layer}"]
        z = activation[metadata["model.activation"]](z) if layer < depth else z
    return z * np.array(metadata["scaling.size"].split(","), float)


def near(a, b) -> bool:
    return np.abs(np.asarray(a) - b).max() <= 1e-5 * np.abs(b).max()


def check_values(folder: Path) -> None:
    out, points = folder / "u.npy", folder / "x.npy"
    for number, (head, activation, fields) in enumerate([("linear", "tanh", "density"), ("relu", "sin", ""),
                                                         ("softplus", "silu", "energy,momentum"), ("linear", "relu", "")]):
        here = folder / f"values{number}"
        good("train", *small, *quick, *settings(model__head=head, model__activation=activation, fields=fields), "--out", here)
        model = tensors(here / "model.safetensors")
        told = json.loads(good("eval", here, "--t", "0,0.01,0.038", "--grid", "37", "-o", out, "--force", "--json"))
        u, x = np.load(out), (np.arange(37)[:, None] + 0.5) / 37
        require(list(u.shape) == told["shape"] == [3, 37, len(told["fields"])], f"shape {u.shape}, {told}")
        require(told["fields"] == (fields or "density,momentum,energy").split(","), f"fields {told}")
        for k, t in enumerate((0, 0.01, 0.038)):
            require(near(u[k], lrnr(*model, x, t)), f"{head} {activation}: the network as numpy computes it, t = {t}")
        np.save(points, np.array([0.3, 0.71, 0.01]))
        good("eval", here, "--t", "0.02", "--x", points, "-o", out, "--force")
        require(near(np.load(out)[0], lrnr(*model, np.load(points)[:, None], 0.02)), "points of a file")

    here = folder / "values0"
    refused(2, "exists", "eval", here, "--t", "0.02", "-o", out)
    refused(2, "", "eval", here, "-o", folder / "v.npy")
    refused(2, "", "eval", here, "--t", "0,x", "-o", folder / "v.npy")
    refused(2, "parameters", "eval", here, "--t", "0", "--mu", "3", "-o", folder / "v.npy")
    refused(2, "not a run", "eval", folder, "--t", "0", "-o", folder / "v.npy")
    for wrong in (np.zeros((3, 2)), np.array([np.nan]), np.zeros(3, "<i8")):
        np.save(points, wrong)
        refused(2, "x.npy", "eval", here, "--t", "0", "--x", points, "-o", folder / "v.npy")
    require(not (folder / "v.npy").exists(), "a mistake leaves no file")
    beyond = run("eval", here, "--t", "0.05", "-o", folder / "v.npy")
    require(beyond.returncode == 0 and "outside" in beyond.stderr, "extrapolation is told")


def check_own_data(folder: Path) -> None:
    file, here, out = folder / "own.h5", folder / "own", folder / "own.npy"
    t, x = np.linspace(0, 1, 13), np.linspace(-1, 1, 40)
    mu = np.stack([np.cos(5 * t), 2 + t**2], axis=1)
    u = np.stack([np.sin(3 * x[None] - t[:, None]) + mu[:, :1], np.cos(x[None] * mu[:, 1:])], axis=2)
    with h5py.File(file, "w") as f:
        f["t"], f["x"], f["u"], f["mu"] = t, x[:, None], u.reshape(-1, 2), mu
        f["offsets"] = 40 * np.arange(14)
        f["heldout"] = np.arange(13) % 4 == 2
        f.attrs["fields"] = ["height", "speed"]
    train = ["train", "data", "--data", file, "--set", "model.width=16", "--set", "model.rank=4"]
    good(*train, *settings(train__epochs=40, train__l1_epochs=0), "--out", here)
    model = tensors(here / "model.safetensors")
    good("eval", here, "--t", "0.4", "--mu", "0.3,2.5", "--x", save(folder / "x.npy", x), "-o", out)
    require(near(np.load(out)[0], lrnr(*model, x[:, None], 0.4, (0.3, 2.5))), "a model with parameters")
    refused(2, "parameters", "eval", here, "--t", "0.4", "-o", out, "--force")
    row = json.loads(good("compare", here, "--json"))[0]
    y, d = [], []
    for k in (0, 1, 3, 4, 5, 7, 8, 9, 11, 12):
        y.append(u[k])
        d.append(lrnr(*model, x[:, None], t[k], mu[k]) - u[k])
    l1 = np.mean([np.abs(np.stack(d)[:, 1:-1, c]).sum() / np.abs(np.stack(y)[:, 1:-1, c]).sum() for c in (0, 1)])
    require(abs(row["train"]["rel_l1"] / l1 - 1) < 0.05, f"errors at the training frames: {row['train']}, {l1}")
    require(metrics(here)[-1]["misfit"] < 0.5 * metrics(here)[0]["misfit"], "it learns")

    before = (here / "model.safetensors").read_bytes()
    for mistake in (settings(train__epohcs=3), settings(cells=3), settings(heldout=1), settings(fields="depth")):
        refused(2, "", *train, *mistake, "--out", here, "--force")
        require((here / "model.safetensors").exists() and (here / "model.safetensors").read_bytes() == before,
                f"{mistake}: a run is not lost to a mistake")
        refused(2, "", *train, *mistake, "--out", folder / "nowhere")
        require(not (folder / "nowhere").exists(), f"{mistake}: a mistake leaves no folder")
    refused(2, "none.h5", "train", "data", "--data", folder / "none.h5", "--out", folder / "nowhere")


def save(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def check_compare(folder: Path) -> None:
    names = [folder / name for name in ("first", "siren", "pod")]
    good("train", *tube, *quick, "--model", "siren", "--set", "model.width=16", "--out", names[1])
    good("train", *tube, "--set", "model.rank=3", "--model", "pod", "--out", names[2])
    table = json.loads(good("compare", *names, "--json", "--csv", folder / "table.csv"))
    for row, name, model in zip(table, names, ("lrnr", "siren", "pod")):
        keys = ["run", "model", "params", "coefficients", "steps", "seconds", "gflop", "train", "heldout", "eval_ns_per_point"]
        require(list(row) == keys, f"keys {list(row)}")
        require(list(row["train"]) == list(row["heldout"]) == measures, f"keys {row}")
        require(row["run"] == str(name) and row["model"] == model and row["eval_ns_per_point"] > 0, f"{row}")
        for part in ("train", "heldout"):
            require(all(row[part][m] >= 0 for m in measures), f"{part}: {row}")
            require(abs(row[part]["rel_l2"] ** 2 - row[part]["rel_mse"]) < 1e-12, "the root")
    last = metrics(names[0])[-1]
    require(abs(table[0]["train"]["rel_mse"] / last["train_mse"] - 1) < 1e-4, "training's own words, training frames")
    require(abs(table[0]["heldout"]["rel_l1"] / last["heldout_l1"] - 1) < 1e-4, "training's own words, held out")
    require(table[2]["train"]["rel_mse"] < table[2]["heldout"]["rel_mse"], "POD knows what it has seen")
    with open(folder / "table.csv") as file:
        rows = list(csv.DictReader(file))
    for row, line in zip(table, rows, strict=True):
        require(line["run"] == row["run"] and int(line["params"]) == row["params"], f"the table's {line}")
        for part in ("train", "heldout"):
            require(all(float(line[f"{part}_{m}"]) == row[part][m] for m in measures), "numbers of the table")
    for several, axis in ((names[:1], "epoch"), (names[:2], "gflop")):
        good("compare", *several, "--plot", folder / "fit.svg")
        first = (folder / "fit-history.csv").read_text().split("\n\n")[0].splitlines()
        require(abs(float(first[-1].split(",")[0]) / last[axis] - 1) < 1e-4, f"the history goes by {axis}: {first[-1]}")
    text = good("compare", *names)
    require(all(str(name) in text for name in names) and text.count("held out") == 3, "for people")
    refused(2, "no such folder", "compare", names[0], folder / "nobody")
    refused(2, "", "compare")


def check_divergence(folder: Path) -> None:
    here = folder / "diverged"
    diverge = [*small, *settings(optim__name="sgd", optim__lr=30, train__epochs=30)]
    message = refused(3, "diverged: [", "train", *diverge, "--out", here, "--checkpoint", "0")
    require("not finite" in message, message)
    manifest = json.loads((here / "manifest.json").read_text())
    require(manifest["exit"].startswith("diverged: ["), f"{manifest}")
    require(not (here / "model.safetensors").exists(), "no model of a run that diverged")
    kept = checkpoints(here)
    require(len(kept) > 0, "there is a checkpoint")
    for path in kept:
        require(all(np.isfinite(a).all() for a in tensors(path)[0].values()), f"{path} is finite")
    again = refused(3, "diverged: [", "train", "--resume", here)
    require(again == message and checkpoints(here)[: len(kept)] == kept, "it goes on from the last good one")
    refused(2, "--resume", "compare", here)


def check_stopping(folder: Path) -> None:
    """Whoever is stopped and goes on has the bytes of who was never stopped."""
    fast = settings(train__batch="2:5", train__epochs=30, train__l1_epochs=10)
    kinds = [[*small, *settings(optim__name=name), *fast] for name in ("muon+soap", "muon+adam", "soap", "adam", "sgd")]
    paper = [*small, "--recipe", "paper", *settings(train__batch="1:2", train__epochs=60, loss__mollifier=0.2),
             *settings(loss__tau=0.62, optim__lr=0.01, optim__l1_lr=0.02)]
    kinds += [paper, [*small, *settings(optim__name="lbfgs", train__epochs=30)],
              [*tube, "--model", "siren", "--set", "model.width=16", *fast]]
    interrupted = middle = 0
    for number, kind in enumerate(kinds):
        straight, broken = folder / f"straight{number}", folder / f"broken{number}"
        good("train", *kind, "--out", straight, "--threads", "2")
        per_epoch, total = metrics(straight)[0]["step"] + 1, metrics(straight)[-1]["step"] + 1
        arguments = ["train", *kind, "--out", broken, "--threads", "2"]
        for session, sent in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)):
            if not stopped(broken, sent, total * (2 * session + 1) // 8 + 1, *arguments):
                break
            interrupted += 1
            middle += step_of(checkpoints(broken)[-1]) % per_epoch != 0
            reason = json.loads((broken / "manifest.json").read_text())["exit"]
            require(reason == f"stopped by {signal.Signals(sent).name}", f"the manifest says {reason}")
            require(not (broken / "model.safetensors").exists(), "no model yet")
            arguments = ["train", "--resume", broken, "--threads", str(1 + session % 2)]
        good("train", "--resume", broken, "--threads", "1")
        same = (broken / "model.safetensors").read_bytes() == (straight / "model.safetensors").read_bytes()
        require(same, f"{kind}: the model")
        require(without_seconds(broken) == without_seconds(straight), f"{kind}: the metrics")
        if kind is paper:
            lines = metrics(straight)
            require({line["q"] for line in lines} == {1, 2}, f"the switch happened: {[l['misfit'] for l in lines]}")
            require(len({line["lr"] for line in lines}) >= 4, "the plateau lowered the rate")
            require(lines[0]["mollifier"] > lines[1]["mollifier"] > 0, "the mollifier was at work")
    require(interrupted >= len(kinds) and middle >= len(kinds) // 2, f"{interrupted} stopped, {middle} within an epoch")


with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
    for check in (check_folder, check_settings, check_values, check_own_data, check_compare, check_divergence, check_stopping):
        check(Path(name))
print(f"{runs.checks} passed, 0 failed")
