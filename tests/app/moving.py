"""Initial-value problems by networks that move: every case from settings to errors, stops, and what cannot go on."""

import os
import signal
import tempfile
from pathlib import Path

import numpy as np
from runs import checkpoints, good, json, metrics, refused, require, settings, step_of, stopped, tensors, without_seconds
import runs

tiny = dict(model__width=12, model__size=8, ivp__points=300, ivp__fit_points=400, ivp__fit_steps=15, ivp__rank=20)
bump = ["train", "ivp_advection2d", *settings(width=0.2, t_end=0.1, **tiny)]


def check_errors(folder: Path) -> None:
    here = folder / "errors"
    told = json.loads(good(*bump, "--out", here, "--json"))
    require(told["model"] == "embedded" and told["gflop"] > 0, f"what was done: {told}")
    row = json.loads(good("compare", here, "--json"))[0]
    require(row["heldout"]["rel_l2"] < 0.05, f"errors of the reference: {row}")
    require(row["train"]["rel_l2"] is None, "no frame was learned")
    lines = [line for line in metrics(here) if "cg" in line]
    require(lines[-1]["t"] == 0.1 and {"h", "misfit", "condition", "rejected"} <= set(lines[-1]), "the solver's own numbers")
    arrays, _ = tensors(here / "model.safetensors")
    require(arrays["times"][-1] == 0.1 and len(arrays["theta"]) == len(arrays["times"]), "parameters at all times")
    good("eval", here, "--t", "0,0.05,0.1", "--grid", "20", "-o", here / "u.npy")
    u = np.load(here / "u.npy")
    middle = [np.average(np.linspace(-0.95, 0.95, 20), weights=np.clip(frame.reshape(20, 20).sum(0), 0, None)) for frame in u]
    require(abs(middle[2] - middle[0] + 0.1) < 0.02, f"the bump has moved: {middle}")
    page = folder / "page.html"
    good("report", here, "-o", page)
    require("a reference that no model has seen" in page.read_text(), "the page says what it is measured against")


def check_cases(folder: Path) -> None:
    """The others begin, step, and end."""
    for case, times in (("ivp_heat2d", dict(width=0.2, t_end=0.05)), ("ivp_wave2d", dict(width=0.2, t_end=0.05)),
                        ("ivp_wave3d", dict(width=0.2, t_end=0.02)), ("ivp_vlasov6d", dict(t_end=0.02)),
                        ("ivp_fokkerplanck", dict(dim=3, t_end=0.02))):
        here = folder / case
        good("train", case, *settings(**times, **tiny, ivp__tolerance=1e-2), "--out", here)
        row = json.loads(good("compare", here, "--json"))[0]
        require(row["heldout"]["rel_l2"] < 0.6, f"{case}: {row}")


def check_resume(folder: Path) -> None:
    straight = folder / "straight"
    good(*bump, "--out", straight)
    hits = 0
    for step in (3, 14, 18):
        for attempt in range(3):
            here = folder / f"stopped{step}-{attempt}"
            if not stopped(here, signal.SIGTERM, step, *bump, "--out", here):
                continue
            hits += 1
            good("train", "--resume", here, "--threads", "1")
            same = (here / "model.safetensors").read_bytes() == (straight / "model.safetensors").read_bytes()
            require(same and without_seconds(here) == without_seconds(straight), f"stopped at {step}: other bytes")
            break
    require(hits >= 2, f"{hits} of three were stopped before they were done")


def check_mistakes(folder: Path) -> None:
    out = ["--out", folder / "none"]
    refused(2, "its model is embedded", *bump, "--model", "lrnr", *out)
    refused(2, "recipe paper", *bump, "--recipe", "paper", *out)
    for name, value in (("ivp.solver", "lu"), ("ivp.method", "euler"), ("ivp.precision", "f16"), ("ivp.points", "0"),
                        ("ivp.tolerance", "-1")):
        refused(2, name, *bump, "--set", f"{name}={value}", *out)
    # What cannot be followed ends with the reason.
    lost = folder / "lost"
    line = refused(3, "t = ", *bump, *settings(ivp__least_step=0.5, ivp__tolerance=1e-9), "--out", lost)
    require("step" in line, f"the reason: {line}")
    kept = checkpoints(lost)
    require(len(kept) == 1 and step_of(kept[0]) >= metrics(lost)[-1]["step"] > 0, f"the state before the last step: {kept}")
    require(all(np.isfinite(a).all() for a in tensors(kept[0])[0].values()), "and it is finite")
    require(refused(3, "t = ", "train", "--resume", lost) == line, "from which it fails again")
    require(checkpoints(lost) == kept, "and that stays")
    require(json.loads((lost / "manifest.json").read_text())["exit"].startswith("diverged"), "and in the manifest")


with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
    for check in (check_errors, check_cases, check_resume, check_mistakes):
        check(Path(name))
print(f"{runs.checks} passed, 0 failed")
