"""scripts/reproduce.sh on little data: what it leaves, that it goes on, and what it refuses.  usage: reproduce.py LOWTIDE"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def reproduce(*args):
    return subprocess.run([ROOT / "scripts" / "reproduce.sh", *map(str, args)], capture_output=True, text=True,
                          env={**os.environ, "LOWTIDE": sys.argv[1]})


def require(condition, what):
    if not condition:
        sys.exit(f"reproduce: {what}")


with tempfile.TemporaryDirectory() as folder:
    out = Path(folder) / "tube"
    given = ["euler1d", "--preset", "demo", "--only", "lrnr-paper,nif,pod", "-o", out]
    for setting in ("cells=60", "frames=11", "model.width=16", "model.rank=6", "train.epochs=6", "train.l1_epochs=3",
                    "train.evaluate_every=2", "nif:model.width=8", "nif:model.latent=1"):
        given += ["--set", setting]
    first = reproduce(*given)
    require(first.returncode == 0, first.stderr or first.stdout)
    numbers = json.loads((out / "euler1d-demo.json").read_text())
    require(list(numbers["runs"]) == ["lrnr", "lrnr-paper", "nif", "pod"], f"runs {list(numbers['runs'])}")
    lrnr, nif = numbers["runs"]["lrnr"], numbers["runs"]["nif"]
    require(abs(nif["gflop"] / lrnr["gflop"] - 1) < 0.2, f"equal work: {nif['gflop']} and {lrnr['gflop']} GFLOP")
    nifs, lrnrs = ((out / name / "config.toml").read_text() for name in ("nif", "lrnr"))
    require("latent = 1 " in nifs and "width = 8 " in nifs and "width = 16 " in lrnrs, "a setting of one model reaches it")
    require("evaluate_every = 2 " in lrnrs, "settings go before the script's own")
    require(lrnr["steps"] == 9 * 6, f"nine epochs of six steps, not {lrnr['steps']}")
    require(lrnr["at_switch"]["epoch"] == 6, f"the switch is after epoch 6: {lrnr['at_switch']}")
    require(numbers["runs"]["lrnr-paper"]["at_switch"] is None, "the paper's recipe does not get our epochs with q = 1")
    require(lrnr["history"][-1]["epoch"] == 9, "the history has the last epoch")
    require(numbers["reduction"]["hypermodes"] >= 1 and (out / "report.html").exists(), "reduction and report")

    (out / "nif" / "manifest.json").write_text((out / "nif" / "manifest.json").read_text().replace('"done"', '"stopped"', 1))
    again = reproduce(*given)
    require(again.returncode == 0 and f"{out}/lrnr is there already" in again.stdout, again.stderr or again.stdout)
    require(f"{out}/nif is there already" not in again.stdout, "what was stopped goes on")

    for wrong in ([], ["euler1d", "--presets", "demo"], ["euler1d", "--set"], ["euler1d", "--only", "sirne"],
                  ["euler1d", "--set", "sirne:model.width=8"], ["euler1d", "--only", "pod", "--set", "nif:model.width=8"]):
        refused = reproduce(*wrong)
        require(refused.returncode == 2 and "usage: " in refused.stderr, f"{wrong}: {refused}")
    require(reproduce("euler3d", "-o", Path(folder) / "none").returncode == 2, "no such case")
