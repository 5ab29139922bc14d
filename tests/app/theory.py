"""lowtide theory: networks by construction, their errors as tables and a figure, and what it refuses."""

import os
import tempfile
from pathlib import Path

from runs import good, json, refused, require, settings

few = ["--widths", "64,256", "--seeds", "2", "--points", "300", "--times", "2"]
errors = ["h1", "u_t_l2", "l2", "rel_h1", "rel_l2"]


def check(equation: str, folder: Path) -> None:
    told = json.loads(good("theory", equation, *few, "--dims", "1,2", "-o", folder, "--json"))
    require(json.loads((folder / "theory.json").read_text()) == told, "what is saved is what is told")
    require(told["equation"] == equation, told)
    kinds = [(d, sampling) for d in (1, 2) for sampling in ("stratified", "independent")]
    require([(r["dims"], r["sampling"], r["width"]) for r in told["errors"]] == [(*kind, M) for kind in kinds for M in (64, 256)], "a row each")
    for row in told["errors"]:
        require(row["coefficients"] == row["dims"] + 3, f"d + 3 coefficients: {row}")
        require(list(row)[5:] == errors and all(row[key] > 0 for key in errors), f"the errors: {row}")
    require([(r["dims"], r["sampling"], r["promised"]) for r in told["rates"]] == [(*kind, 0.5 + (0.5 / kind[0] if kind[1] == "stratified" else 0)) for kind in kinds], "a rate each")
    table = (folder / "theory.csv").read_text().splitlines()
    require(len(table) == 9 and table[0].startswith("dims,stratified,width,coefficients,h1"), table)
    require((folder / "theory-rates.svg").exists() or not any((Path(p) / "gnuplot").exists() for p in os.environ["PATH"].split(":")), "a figure")
    refused(2, "exists; --force", "theory", equation, *few, "-o", folder)
    again = json.loads(good("theory", equation, *few, "--dims", "1,2", "-o", folder, "--force", "--threads", "1", "--json"))
    require(again == told, "the same numbers on one thread")


def twelve_coefficients(folder: Path) -> None:
    """Theorem 3.4's network as a model like any other, but where terms are not of rank one."""
    words = settings(model__ranks="1,2,1,1,1,1,1,2,2,0", model__activation="relu", model__width=12, cells=50, frames=17, train__epochs=3, train__l1_epochs=2)
    small = ["train", "burgers1d", *words, *settings(loss__sparse=1e-3, loss__ortho=1e-3)]
    good(*small, *settings(train__head_every=2), "-o", folder / "one")
    good(*small, *settings(model__term_rank=12), "-o", folder / "general")
    rows = json.loads(good("compare", folder / "one", folder / "general", "--json"))
    require([row["coefficients"] for row in rows] == [12, 12], rows)
    require(rows[0]["params"] < rows[1]["params"], rows)
    # Sizes that the file is read again with: ranks like those of table 2, and terms beyond the width.
    good("train", "burgers1d", *settings(model__ranks="24,24,24,24,24,24,24,24,24,24", cells=40, frames=9, train__epochs=1, train__l1_epochs=0), "-o", folder / "ranks")
    good("train", "burgers1d", *settings(model__ranks="1,2,1,1,1,1,1,2,2,0", model__width=12, model__term_rank=100000, cells=40, frames=9, train__epochs=1, train__l1_epochs=0), "-o", folder / "beyond")
    for run in ("ranks", "beyond"):
        good("eval", folder / run, "--t", "0.3", "--grid", "5", "-o", folder / f"{run}.npy")
    for run in ("one", "general"):
        good("eval", folder / run, "--t", "0.3", "--grid", "5", "-o", folder / f"{run}.npy")
        good("report", folder / run)
    good("reduce", folder / "one", "--points", "2")
    refused(2, "terms of rank one", "reduce", folder / "general")
    refused(2, "the equation of burgers1d is not known here", "evolve", folder / "one")
    refused(2, "terms of rank one", *small, *settings(model__term_rank=12, train__head_every=10**6), "-o", folder / "refused")
    refused(2, "model.ranks", "train", "burgers1d", *settings(model__ranks="1,2"), "-o", folder / "refused")


with tempfile.TemporaryDirectory() as name:
    os.chdir(name)
    folder = Path(name)
    check("wave", folder / "wave")
    check("advection", folder / "advection")
    twelve_coefficients(folder)
    require("promised" in good("theory", "wave", "--dims", "1", *few, "--velocity", "0"), "a table")
    require((folder / "theory-wave" / "theory.json").exists(), "the folder's own name")
    for complaint, *words in [
        ("wave and advection", "burgers"),
        ("one to three dimensions", "wave", "--dims", "4"),
        ("an even number", "wave", "--widths", "63"),
        ("--widths", "wave", "--widths", "many"),
        ("--speed", "wave", "--speed", "0"),
        ("--deviation", "advection", "--deviation", "nan"),
        ("--seeds", "wave", "--seeds", "0"),
    ]:
        refused(2, complaint, "theory", *words, "-o", folder / "no")
        require(not (folder / "no").exists(), f"nothing is written: {words}")
    refused(2, "equation", "theory")
