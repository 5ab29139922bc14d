#!/usr/bin/env python3
"""Numbers of the reproduction: from run folders to docs/reproduction/*.json, and from these into the page.

  bench/reproduction.py collect DIR FILE.json    what scripts/reproduce.sh has left in DIR
  bench/reproduction.py page [--check]           tables of docs/reproduction.md, between their marks, from the JSON
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reproduction.md"
STORE = ROOT / "docs" / "reproduction"
MODELS = {"lrnr": "LRNR", "lrnr-paper": "LRNR, the paper's recipe", "siren": "hypernetwork-SIREN", "nif": "NIF", "pod": "POD"}


def threshold(file):
    """Of the paper's switch, for the case that a file is named after."""
    return 5e-4 if file.split("-")[0].endswith("1d") else 5e-3


def read(path):
    return json.loads(pathlib.Path(path).read_text())


def thinned(lines, most=60):
    """Of the history about that many lines: the last, and those at which all frames were looked at, among them."""
    step = max(1, -(-len(lines) // most))
    return [line for k, line in enumerate(lines) if (len(lines) - 1 - k) % step == 0 or "train_l1" in line]


def history(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    keys = ("epoch", "gflop", "seconds", "misfit", "q", "train_mse", "train_l1", "heldout_l1")
    return [{k: line[k] for k in keys if k in line} for line in lines if "misfit" in line]


def at_switch(lines):
    """The last epoch with squares, where one with absolute values follows."""
    for before, after in zip(lines, lines[1:]):
        if before["q"] == 2 and after["q"] == 1:
            return before
    return None


def collect(folder, to):
    folder = pathlib.Path(folder)
    runs = {}
    rows = [row for name in ("compare.json", "compare-pod.json") if (folder / name).exists() for row in read(folder / name)]
    for row in rows:
        name = pathlib.Path(row["run"]).name
        row["run"] = name
        row["manifest"] = read(folder / name / "manifest.json")
        if (folder / name / "metrics.jsonl").exists():
            lines = history(folder / name)
            row["at_switch"] = at_switch(lines)
            limit = threshold(pathlib.Path(to).name)
            row["below"] = next((line for line in lines if line["q"] == 2 and line["misfit"] < limit), None)
            row["history"] = thinned(lines)
        runs[name] = row
    reduced = read(folder / "lrnr" / "reduction" / "reduction.json")
    first = reduced["singular_values"][0]
    reduced["singular_values"] = [s for s in reduced["singular_values"] if s > 1e-9 * first]
    reduced["run"] = "lrnr"
    config = (folder / "lrnr" / "config.toml").read_text()
    pathlib.Path(to).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(to).write_text(json.dumps({"config": config, "runs": runs, "reduction": reduced}, indent=1) + "\n")


def percent(x):
    return f"{100 * x:.2g} %" if x < 1 else f"{100 * x:.0f} %"


def table(header, rows):
    return "\n".join(["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
                     + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def files(preset):
    return sorted(STORE.glob(f"*-{preset}.json"))


def l1(run, part):
    x = run.get(part, {}).get("rel_l1")
    return "" if x is None else percent(x)


def other_seed(path):
    return path.with_name(f"{path.stem}-seed1.json")


def case_of(path):
    return path.name.split("-")[0]


def errors(preset):
    rows = []
    for path in files(preset):
        for name, row in read(path)["runs"].items():
            manifest = row["manifest"]
            held = row.get("heldout", {})
            rows.append([case_of(path), MODELS[name], f"{row['params']:,}", f"{row['gflop']:,.0f}" if row.get("gflop") else "",
                         f"{manifest['seconds']:.0f}", f"{row['train']['rel_mse']:.1e}", l1(row, "train"),
                         f"{held['rel_mse']:.1e}" if held else "", l1(row, "heldout")])
    return table(["case", "model", "parameters", "GFLOP", "seconds", "MSE", "L1", "MSE, held out", "L1, held out"], rows)


def switches(preset):
    rows = []
    for path in files(preset):
        for name in ("lrnr", "lrnr-paper"):
            row = read(path)["runs"].get(name)
            if not row:
                continue
            turn = row["at_switch"]
            below = row["below"]
            rows.append([case_of(path), MODELS[name], f"{threshold(path.name):g}",
                         f"{below['gflop']:,.0f} GFLOP" if below else "not reached",
                         f"{turn['misfit']:.1e}" if turn else "no switch"])
    return table(["case", "recipe", "threshold", "misfit below it after", "misfit at the switch"], rows)


def reductions(preset):
    rows = []
    for path in files(preset):
        r = read(path)["reduction"]
        ranks = r["truncation"]
        one = next(t for t in ranks if t["relative"] == "global")
        best = r["by_bound"]
        rows.append([case_of(path), r["points"], " ".join(map(str, one["weights"])), " ".join(map(str, one["biases"])), r["hypermodes"],
                     max(r["degrees_to_roundoff"]), f"{best['mean_rank']:.0f}", f"{best['rel_l2']:.0e}",
                     f"{r['full_ns_per_point'] / best['ns_per_point']:,.0f}×"])
    return table(["case", "points", "weights `r1`", "biases `r2`", "hypermodes", "degree to roundoff", "rank of FastLRNRs",
                  "their error", "faster than the network"], rows)


def seeds(preset):
    rows = []
    for path in files(preset):
        if not other_seed(path).exists():
            continue
        both = read(path)["runs"], read(other_seed(path))["runs"]
        for name in both[0]:
            if name in both[1]:
                rows.append([case_of(path), MODELS[name]] + [l1(runs[name], part) for part in ("train", "heldout") for runs in both])
    return table(["case", "model", "L1, seed 0", "seed 1", "L1 held out, seed 0", "seed 1"], rows)


def checkpoints(name):
    """Of both recipes, where they were measured on all frames."""
    rows = []
    for run in ("lrnr", "lrnr-paper"):
        for line in read(STORE / f"{name}.json")["runs"].get(run, {}).get("history", []):
            if "train_l1" in line:
                rows.append([MODELS[run], line["epoch"], f"{line['gflop']:,.0f}", f"{line['seconds']:.0f}", f"{line['misfit']:.1e}",
                             line["q"], percent(line["train_l1"]), percent(line["heldout_l1"]) if "heldout_l1" in line else ""])
    return table(["recipe", "epoch", "GFLOP", "seconds", "misfit", "q", "L1", "L1, held out"], rows)


TABLES = {"errors": errors, "switches": switches, "reductions": reductions, "seeds": seeds, "checkpoints": checkpoints}


def page(check):
    text = PAGE.read_text()
    made = re.sub(r"(<!-- table: (\w+) ([\w-]+) -->\n).*?(<!-- end -->)",
                  lambda m: m[1] + TABLES[m[2]](m[3]) + "\n" + m[4], text, flags=re.S)
    if check:
        sys.exit(0 if made == text else f"{PAGE.name} is not what docs/reproduction says; run bench/reproduction.py page")
    PAGE.write_text(made)


if __name__ == "__main__":
    if sys.argv[1:2] == ["collect"] and len(sys.argv) == 4:
        collect(*sys.argv[2:])
    elif sys.argv[1:2] == ["page"] and sys.argv[2:] in ([], ["--check"]):
        page(sys.argv[2:] == ["--check"])
    else:
        sys.exit(__doc__)
