"""lowtide reduce: what it says, what it saves, and what it refuses."""

import csv
import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import runs
from runs import good, json, refused, require, settings, small, tube

quick = settings(train__epochs=20, train__l1_epochs=5)
few = ["--points", "4"]


def rows(path: Path) -> list:
    with open(path) as file:
        return list(csv.DictReader(file))


def check_numbers(folder: Path) -> None:
    run, saved = folder / "run", folder / "run" / "reduction"
    told = json.loads(good("reduce", run, *few, "--json"))
    require(json.loads((saved / "reduction.json").read_text()) == told, "what is saved is what is told")
    depth, rank, coefficients = 5, 4, 40
    require(told["ranks"] == {"weights": [rank] * depth, "biases": [rank] * depth}, "ranks by layer")
    require([row["relative"] for row in told["truncation"]] == ["global", "block", "terms"], "three kinds of truncation")
    values = told["singular_values"]
    require(values == sorted(values, reverse=True) and len(values) == coefficients, "singular values fall")
    significant = sum(value >= 5e-5 * values[0] for value in values)
    require(told["hypermodes"] == significant == len(told["degrees"]), "hypermodes above the threshold")
    errors = [row["rel_l2"] for row in told["projection"]]
    require(errors[-1] < 1e-3 * errors[0], f"more modes, less error: {errors}")

    table = told["fastlrnr"]
    require([row["rank"] for row in table] == sorted({row["rank"] for row in table}), "ranks rise")
    require(table[-1]["rel_l2"] < 1e-4 and table[-1]["rank"] <= 2 * rank, f"the tolerance, at r1 + r2: {table[-1]}")
    require(table[-1]["rel_l2"] < 0.1 * table[0]["rel_l2"], "errors fall with the rank")
    require(all(row["bound"] > 0 and row["ns_per_point"] > 0 and row["pieces"] >= 1 for row in table), "bounds and times")
    require(all(row["pieces"] == 1 for row in told["one_basis"]), "one basis, one piece")
    require(min(row["rank"] for row in table if row["rel_l2"] < 1e-4) == told["smallest_rank"], "the smallest rank")
    for chosen in ("by_error", "by_bound"):
        require(told[chosen]["holds"] and told[chosen]["rel_l2"] < 1e-4, f"{chosen}: {told[chosen]}")
    require(told["by_bound"]["bound"] <= 1e-4, "the bound, where it decides")
    require(told["stored_series"]["rel_l2"] <= 1e-4, "the stored series holds the tolerance")

    require(len(rows(saved / "fastlrnr.csv")) == len(table) == len(rows(saved / "one_basis.csv")), "tables")
    require(len(rows(saved / "singular_values.csv")) == coefficients, "all singular values")
    times = [float(row["t"]) for row in rows(saved / "temporal_modes.csv")]
    require(abs(times[0]) < 1e-12 and abs(times[-1] - 0.038) < 1e-12 and len(times) == 401, "times of the run")

    again = json.loads(good("reduce", run, *few, "--threads", "1", "-o", folder / "elsewhere", "--json"))
    timed = {"ns_per_point", "full_ns_per_point", "truncated_ns_per_point", "coefficients_ns"}

    def untimed(value):
        if isinstance(value, dict):
            return {key: untimed(part) for key, part in value.items() if key not in timed}
        return [untimed(part) for part in value] if isinstance(value, list) else value

    require(untimed(again) == untimed(told), "the same numbers on one thread")
    text = good("reduce", run, *few, "--select", "s_opt", "--oversample", "3", "--tol", "1e-3")
    require("FastLRNR" in text and "the paper" in text and "saved in" in text, "a table for people")


def check_eval(folder: Path) -> None:
    """FastLRNRs at points give the network's values, and the network itself answers where they do not reach."""
    run, x = folder / "run", folder / "x.npy"
    np.save(x, np.linspace(0.05, 0.95, 7))
    times = ",".join(repr(float(t)) for t in np.linspace(0, 0.038, 60))
    good("eval", run, "--x", x, "--t", times, "-o", folder / "u.npy")
    told = json.loads(good("eval", run, "--x", x, "--t", times, "--fast", "1e-4", "-o", folder / "v.npy", "--json"))
    u, v = np.load(folder / "u.npy"), np.load(folder / "v.npy")
    require(u.shape == v.shape == (60, 7, 1), "the same shape")
    error = np.abs(u - v).max(axis=(0, 2)) / np.sqrt((u**2).mean(axis=(0, 2)))
    require(error.max() < 3e-4 and not np.array_equal(u, v), f"the network's values: {error}")
    require(told["from_network"] == 0 and told["bound"] > 0, f"all by FastLRNR: {told}")
    outside = json.loads(good("eval", run, "--x", x, "--t", "0.01,0.05", "--fast", "1e-4", "-o", folder / "w.npy", "--json"))
    require(outside["from_network"] == 7, f"outside of the times of training the network answers: {outside}")


def edited(model: Path, change) -> bytes:
    """The file with `change`d header and numbers, its checksums left out."""
    data = model.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header, numbers = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
    for key in ("xxh3", "xxh3_header"):
        header["__metadata__"].pop(key, None)
    change(header, numbers)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(numbers)


def check_refusals(folder: Path) -> None:
    run, model = folder / "run", folder / "run" / "model.safetensors"
    good("train", *tube, *quick, *settings(model__width=8), "--model", "siren", "--out", folder / "siren")
    refused(2, "no low-rank coefficients", "reduce", folder / "siren")
    refused(2, "no low-rank", "eval", folder / "siren", "--t", "0.01", "--fast", "1e-3", "-o", folder / "s.npy")
    refused(2, "--fast", "eval", run, "--t", "0.01", "--fast", "0", "-o", folder / "s.npy")
    refused(2, "rank 100 is larger than the width", "reduce", run, "--rank", "100")
    refused(2, "--snapshots", "reduce", run, "--snapshots", "1")
    refused(2, "--tol", "reduce", run, "--tol", "0")
    refused(2, "--points", "reduce", run, "--points", "1")
    refused(2, "unknown selector 'best'", "reduce", run, "--select", "best")
    refused(2, "parameters given", "reduce", run, "--mu", "1")
    refused(2, "no such folder", "reduce", folder / "nowhere")

    whole = model.read_bytes()

    def poison(_, numbers):
        numbers[40:44] = struct.pack("<f", float("nan"))

    def newer(header, _):
        header["__metadata__"]["kind"] = "lowtide model 2"

    for change, words in ((poison, "not finite"), (newer, "of a newer lowtide")):
        model.write_bytes(edited(model, change))
        refused(2, words, "reduce", run)
        model.write_bytes(whole)
    good("reduce", run, *few)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
        folder = Path(name)
        good("train", *small, *quick, "--out", folder / "run")
        check_numbers(folder)
        check_eval(folder)
        check_refusals(folder)
    print(f"{runs.checks} passed, 0 failed")
