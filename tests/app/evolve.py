"""lowtide evolve: what it says, what it saves, and what it refuses."""

import csv
import math
import os
import tempfile
from pathlib import Path

import runs
from runs import good, json, refused, require, settings, small, tube

vortex = ["advection2d", *settings(cells=40, frames=21, t_end=1, ratios="", train__epochs=40, train__l1_epochs=5)]
narrow = settings(model__width=40, model__rank=10, model__hyper_width=12)
quick = ["--candidates", "400"]


def check_numbers(folder: Path) -> None:
    run, saved = folder / "run", folder / "run" / "evolution"
    told = json.loads(good("evolve", run, "--from", "0.4", "--to", "0.8", *quick, "--json"))
    require(json.loads((saved / "evolution.json").read_text()) == told, "what is saved is what is told")
    ways = {way["name"]: way for way in told["ways"]}
    require(list(ways) == ["evolved", "frozen", "network", "pod"], f"the ways: {list(ways)}")
    times = told["times"]
    require(times[0] == 0.4 and abs(times[-1] - 0.8) < 1e-12 and len(times) >= 21, f"the times: {times}")
    require(told["learned_until"] == 1 and told["form"] == "flux", "what was learned, and the form")
    require(all(len(way["rel_l2"]) == len(times) for way in ways.values()), "all ways reach the end")
    end = {name: way["rel_l2"][-1] for name, way in ways.items()}
    require(end["evolved"] < 0.25 * end["frozen"], f"evolved, not frozen: {end}")
    evolved = ways["evolved"]
    require(evolved["points"] == 12 * evolved["unknowns"] == 12 * ways["pod"]["unknowns"], f"sizes: {evolved}")
    require(evolved["steps"] > 3 and evolved["condition"] > 1, f"work: {evolved}")
    with open(saved / "evolution.csv") as file:
        table = list(csv.DictReader(file))
    require(len(table) == len(times), "a row a time")
    require(math.isclose(float(table[-1]["evolved_l2"]), end["evolved"], rel_tol=1e-4), f"the table: {table[-1]}")

    one = json.loads(good("evolve", run, "--from", "0.4", "--to", "0.8", *quick, "--threads", "1", "-o", folder / "one", "--json"))
    require([way["rel_l2"] for way in one["ways"]] == [way["rel_l2"] for way in told["ways"]], "the same numbers on one thread")

    slower = good("evolve", run, "--set", "period=8", "--to", "0.5", "--form", "strong", "--points", "0", *quick, "-o", folder / "slower", "--nearest")
    for words in ("with period=8", "hypermodes", "rel l1", "condition", "pod nearest", "400 points", "saved in"):
        require(words in slower, f"'{words}' in {slower}")
    for picture in ("errors.svg", "fields.svg"):
        require((folder / "slower" / picture).with_suffix(".gnuplot").exists(), f"the script of {picture}")
    good("evolve", run, "--to", "1.2", "--modes", "5", "--points", "30", "--refresh", "--select", "eim", *quick)


def check_refusals(folder: Path) -> None:
    run = folder / "run"
    refused(2, "--from 7 is not within", "evolve", run, "--from", "7")
    refused(2, "a time after 1 expected", "evolve", run, "--to", "0.5")
    refused(2, "at most 100", "evolve", run, "--to", "1e9")
    refused(2, "unknown form weak", "evolve", run, "--form", "weak")
    refused(2, "unknown selector 'best'", "evolve", run, "--select", "best")
    refused(2, "speed", "evolve", run, "--set", "speed=2")
    refused(2, "cells cannot be changed", "evolve", run, "--set", "cells=80")
    refused(2, "--to says how far", "evolve", run, "--set", "t_end=3")
    refused(2, "name=value expected", "evolve", run, "--set", "period")
    refused(2, "points are too few", "evolve", run, "--points", "2")
    refused(2, "modes asked for", "evolve", run, "--modes", "5000")
    refused(2, "no such folder", "evolve", folder / "nowhere")
    little = settings(train__epochs=2, train__l1_epochs=0)
    good("train", *small, *little, "--out", folder / "density")
    refused(2, "has learned density, and the equation needs density, momentum, energy", "evolve", folder / "density")
    good("train", *tube, *little, *settings(model__width=8), "--model", "siren", "--out", folder / "siren")
    refused(2, "no low-rank coefficients", "evolve", folder / "siren")
    good("train", "euler1d", *settings(cells=60, frames=11), "--model", "pod", "--out", folder / "pod")
    refused(2, "is pod, which has no coefficients", "evolve", folder / "pod")
    good("data", "euler1d", *settings(cells=60, frames=11), "-o", folder / "tube.h5")
    good("train", "data", "--data", folder / "tube.h5", *little, *settings(model__width=16, model__rank=4), "--out", folder / "file")
    refused(2, "was trained on a file", "evolve", folder / "file")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        folder = Path(name)
        good("train", *vortex, *narrow, "--out", folder / "run")
        check_numbers(folder)
        check_refusals(folder)
    print(f"{runs.checks} passed, 0 failed")
