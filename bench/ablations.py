#!/usr/bin/env python3
"""What each part of the recipes is worth: trains the same case in several ways and prints tables.

usage: bench/ablations.py NAME... [--seeds 1,2] [--out DIR] [--lowtide PROGRAM]
Runs that are there already are not repeated. Tables are printed as Markdown and written as NAME.csv.
"""
import argparse
import csv
import json
import math
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ALL = ["heldout=0", "train.l1_epochs=0"]                 # all frames, squares only
MATCHED = ["init.start=kinks", "init.scale=0.5"]         # the fast recipe's start
BARE = ["loss.tau=0", "loss.mollifier=0", "loss.ortho=0", "loss.sparse=0"]
ADAM = ["optim.name=adam", "optim.lr=3e-3", "train.batch=27:5", "optim.hyper_factor=1", "optim.schedule=linear"]
STATE = ["left=400", "right=250", "middle=0.05"]         # an initial state that nothing was tuned on


def cost(width, rank, epochs, adam_epochs, paper_epochs):
    size = [f"model.width={width}", f"model.rank={rank}", "train.evaluate_every=1"]
    ways = {
        "fast": ("fast", [f"train.epochs={epochs}"]),
        "tuned Adam": ("fast", [f"train.epochs={adam_epochs}", *ADAM]),
        "paper": ("paper", [f"train.epochs={paper_epochs}", *MATCHED, *BARE]),
    }
    return [(f"{way}, {name}", recipe, [*ALL, *size, *more, *own], seed)
            for name, own, seed in (("seed 1", [], 1), ("seed 2", [], 2), ("other state", STATE, 3))
            for way, (recipe, more) in ways.items()]


def ways(variants, seeds, recipe="fast", common=()):
    return [(f"{name}, seed {seed}", own.get("recipe", recipe) if isinstance(own, dict) else recipe,
             [*common, *(own["set"] if isinstance(own, dict) else own),
              *([f"run.model={own['model']}"] if isinstance(own, dict) else [])], seed)
            for name, own in variants.items() for seed in seeds]


def tables(seeds):
    """name -> list of (label, recipe, settings, seed)"""
    watched = ["train.evaluate_every=1"]
    short = [*ALL, *watched, "train.epochs=80"]
    paper = ["heldout=0", *watched, "train.epochs=1000", *MATCHED]
    return {
        "cost128": cost(128, 24, 80, 300, 5000),
        "cost256": cost(256, 48, 54, 150, 1500),
        # What comes from what: the fast recipe with one part taken away, or put into the paper's.
        "parts": ways({
            "fast": [],
            "without output scaling": ["init.scale=0"],
            "plain start": ["init.start=plain"],
            "twice as many points a step, 81:5": ["train.batch=81:5"],
            "16 whole frames a step": ["train.batch=16"],
            "linear decay": ["optim.schedule=linear"],
            "constant rate": ["optim.schedule=constant"],
            "Adam 1e-3": ["optim.name=adam", "optim.lr=1e-3", "optim.beta1=.9", "optim.beta2=.999"],
            "tuned Adam": ADAM,
            "Muon and Adam": ["optim.name=muon+adam"],
            "SOAP alone": ["optim.name=soap", "optim.lr=3e-3", "optim.hyper_factor=1"],
            "hypernetwork at the same rate": ["optim.hyper_factor=1"],
            "head solved every 5 epochs": ["train.head_every=5"],
        }, seeds, common=short),
        "sparse": ways({"with the paper's 3.65e-18": [], "without": ["loss.sparse=0"], "1e-4": ["loss.sparse=1e-4"]},
                       seeds, "paper", [*paper, "loss.mollifier=0"]),
        "ortho": ways({"with 7.76e-3": [], "without": ["loss.ortho=0"]}, seeds, "paper", [*paper, "loss.mollifier=0"]),
        "mollifier": ways({"with 0.05": ["loss.mollifier=0.05"], "without": ["loss.mollifier=0"]}, seeds, "paper", paper),
        "switch": ways({
            "squares only": ["train.epochs=400", "train.l1_epochs=0"],
            "300 of squares, 100 of absolute values": ["train.epochs=300", "train.l1_epochs=100"],
            "the same, corner smoothed": ["train.epochs=300", "train.l1_epochs=100", "loss.charbonnier=0.005"],
        }, seeds, common=["heldout=0", *watched]),
        "head": ways({h: [f"model.head={h}"] for h in ("linear", "relu", "softplus")}, seeds, common=short),
        "activation": ways({a: [f"model.activation={a}"] for a in ("tanh", "relu", "silu", "sin")}, seeds, common=short),
        # Every model at its default size, on the frames held out.
        "models": ways({m: {"model": m, "set": []} for m in
                        ("lrnr", "lrnr-cheb", "siren", "siren-shift", "siren-xt", "nif", "colora", "mlp")}, seeds),
        "rank": ways({f"rank {r}": [f"model.rank={r}"] for r in (4, 8, 16, 24, 32)}, seeds,
                     common=[]),
    }


def run(folder, recipe, settings, seed, program):
    if not (folder / "model.safetensors").exists():
        command = [program, "train", "euler1d", "--recipe", recipe, "--seed", str(seed), "--out", str(folder), "--force"]
        for setting in settings:
            command += ["--set", setting]
        print("+", " ".join(command), file=sys.stderr, flush=True)
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode == 3:
            print(result.stderr.splitlines()[-1], file=sys.stderr)
        elif result.returncode != 0:
            sys.exit(result.stderr)
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def crossing(lines, key, level, epochs=5):
    """The first epoch from which on the error stays below the level for five epochs; None if there is none."""
    row = 0
    for i, line in enumerate(lines):
        row = row + 1 if line.get(key, math.inf) < level else 0
        if row == epochs:
            return lines[i - epochs + 1]
    return None


LEVELS = [("train_mse", 5e-4, "5e-4"), ("train_mse", 2e-4, "2e-4"), ("train_l1", 1e-2, "L1 1 %")]


def row_of(label, lines):
    row = {"run": label}
    for key, level, name in LEVELS:
        at = crossing(lines, key, level)
        row[f"epoch {name}"] = at["epoch"] if at else None
        row[f"GFLOP {name}"] = at["gflop"] if at else None
        row[f"seconds {name}"] = at["seconds"] if at else None
    last = lines[-1]
    row |= {"epochs": last["epoch"], "GFLOP": last["gflop"], "seconds": last["seconds"],
            "MSE": last.get("train_mse"), "L1": last.get("train_l1"),
            "held-out MSE": last.get("heldout_mse"), "held-out L1": last.get("heldout_l1")}
    return row


def text(value):
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:.1e}" if abs(value) < 0.1 else f"{value:.0f}"


def print_table(rows):
    keys = [k for k in rows[0] if any(r[k] is not None for r in rows)]
    print("| " + " | ".join(keys) + " |\n|" + "---|" * len(keys))
    for r in rows:
        print("| " + " | ".join(text(r[k]) for k in keys) + " |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "ablations")
    parser.add_argument("--lowtide", default=str(ROOT / "build" / "release" / "lowtide"))
    options = parser.parse_args()
    seeds = [int(s) for s in options.seeds.split(",")]
    every = tables(seeds)
    for name in options.names:
        if name not in every:
            sys.exit(f"ablations: unknown table {name}; there are {', '.join(every)}")
        rows = []
        for label, recipe, settings, seed in every[name]:
            folder = options.out / name / label.replace(" ", "-").replace(",", "")
            folder.parent.mkdir(parents=True, exist_ok=True)
            rows.append(row_of(label, run(folder, recipe, settings, seed, options.lowtide)))
        print(f"### {name}\n")
        print_table(rows)
        with open(options.out / f"{name}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


main()
