"""lowtide theory: networks by construction, their errors as tables and a figure, and what it refuses."""

import os
import tempfile
from pathlib import Path

from runs import good, json, refused, require

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


with tempfile.TemporaryDirectory() as name:
    os.chdir(name)
    folder = Path(name)
    check("wave", folder / "wave")
    check("advection", folder / "advection")
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
