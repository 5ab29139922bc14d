"""lowtide export: archives, images and C programs give the values that lowtide eval gives."""

import math
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import h5py
import numpy as np
from runs import good, json, program, refused, require, run, settings, small, tube
import runs

quick = settings(train__epochs=20, train__l1_epochs=5)
square = ["burgers2d", "--set", "cells=16", "--set", "frames=9", "--set", "model.width=16", "--set", "model.rank=4"]
line_end = 0.038


def train(folder: Path, name: str, *arguments) -> Path:
    if not (folder / name).exists():
        good("train", *arguments, *quick, "--out", folder / name)
    return folder / name


def words(numbers) -> str:
    return ",".join(repr(float(number)) for number in numbers)


def evaluated(folder: Path, model: Path, points: np.ndarray, times, mu=()) -> np.ndarray:
    x, u = folder / "x.npy", folder / "u.npy"
    np.save(x, points)
    good("eval", model, "--x", x, "--t", words(times), *(["--mu", words(mu)] if len(mu) else []), "-o", u, "--force")
    return np.load(u)


def inside(y, ranges):
    return 2 * (np.asarray(y, float) - ranges[:, 0]) / (ranges[:, 1] - ranges[:, 0]) - 1


def coefficients(a, t: float, mu=()) -> np.ndarray:
    tau = inside([t, *mu], a["t_range"])
    if "series" in a:
        return np.cos(np.arange(len(a["series"])) * math.acos(tau[0])) @ a["series"].astype(float)
    h, layers = tau, sum(name.startswith("hyper.W") for name in a)
    for k in range(1, layers + 1):
        h = h @ a[f"hyper.W{k}"].astype(float) + a[f"hyper.b{k}"]
        h = np.tanh(h) if k < layers else h
    return {"linear": lambda s: s, "relu": lambda s: np.maximum(s, 0), "softplus": lambda s: np.log1p(np.exp(s))}[str(a["head"])](h)


def values(a, x: np.ndarray, t: float, mu=(), truncated: bool = False) -> np.ndarray:
    """The field at points x (n,d), of nothing but the arrays of an archive."""
    depth = sum(name[0] == "U" for name in a)
    s = coefficients(a, t, mu)
    if truncated:
        s = np.where(np.isin(np.arange(len(s)), a["kept"]), s, 0)
    activation = {"tanh": np.tanh, "relu": lambda y: np.maximum(y, 0), "sin": np.sin, "silu": lambda y: y / (1 + np.exp(-y))}
    z = inside(x, a["x_range"])
    for layer, (s1, s2) in enumerate(s.reshape(depth, 2, -1), 1):
        U, V, B = (a[f"{letter}{layer}"].astype(float) for letter in "UVB")
        z = ((z @ V.T) * s1) @ U + s2 @ B
        z = activation[str(a["activation"])](z) if layer < depth else z
    return z * a["size"]


def apart(a, b) -> float:
    return np.abs(np.asarray(a) - b).max() / np.sqrt(np.mean(np.square(b)))


def archive(path: Path) -> dict:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file}


kinds = [
    ("lrnr", [*small, *settings(fields="density,energy", model__head="softplus", model__activation="silu")]),
    ("relu", [*tube, *settings(model__width=48, model__rank=4, model__head="relu", model__activation="relu")]),
    ("cheb", [*small, "--model", "lrnr-cheb", *settings(model__activation="sin")]),
    ("square", square),
    ("few", [*tube, "--model", "lrnr-cheb", *settings(model__terms=2, model__width=16, model__rank=16)]),
]


def own_data(folder: Path) -> list:
    """Snapshots with a parameter beside time, and a name that neither XML nor C likes."""
    t, x = np.linspace(0, 1, 13), np.linspace(-1, 1, 40)
    mu = 2 + np.cos(5 * t)
    u = np.stack([np.sin(3 * x[None] - t[:, None]) + mu[:, None], np.cos(x[None] * mu[:, None])], axis=2)
    with h5py.File(folder / "own.h5", "w") as f:
        f["t"], f["x"], f["u"], f["mu"] = t, x[:, None], u.reshape(-1, 2), mu[:, None]
        f["offsets"] = 40 * np.arange(14)
        f.attrs["fields"] = ['*/ "a" <@&>', "speed"]
    return ["data", "--data", folder / "own.h5", *settings(model__width=16, model__rank=4)]


def check_npz(folder: Path) -> None:
    for name, arguments in [*kinds, ("mu", own_data(folder))]:
        here = train(folder, name, *arguments)
        told = json.loads(good("export", here, "--format", "npz", "--json"))
        require(told["file"] == str(here / "export" / f"{name}.npz"), f"where it is: {told}")
        a = archive(here / "export" / f"{name}.npz")
        require(list(a) == told["arrays"] and "kept:" in str(a["about"]), f"names of the arrays: {list(a)}")
        x = np.random.default_rng(1).uniform(*a["x_range"].T, (50, len(a["x_range"])))
        times = np.linspace(*a["t_range"][0], 5)
        mu = a["t_range"][1:].mean(1) + 0.1
        for t, u in zip(times, evaluated(folder, here, x, times, mu)):
            require(u.shape[1] == len(a["fields"]) and apart(values(a, x, t, mu), u) < 1e-5, f"{name}: u at {t}, of the archive")
            require(apart(values(a, x, t, mu, truncated=True), u) < 1e-2, f"{name}: truncated")
        n, ranks = len(coefficients(a, 0, mu)), a["weight_ranks"].sum() + a["bias_ranks"].sum()
        require(len(a["kept"]) == ranks <= n and a["hypermodes"].shape[0] == n, f"{name}: what the reduction gives")
        low, high = a["t_range"].T
        s = np.stack([coefficients(a, *(lambda y: (y[0], y[1:]))(low + (high - low) * (tau + 1) / 2)) for tau in a["hypermode_inputs"]])
        require(apart(np.linalg.svd(s, compute_uv=False)[0], a["singular_values"][0]) < 1e-6, "singular values")
        require(np.abs(s - s @ a["hypermodes"] @ a["hypermodes"].T).max() < 1e-6 * np.abs(s).max(), "hypermodes span s")
        largest = np.abs(s).max(0) / np.abs(s).max()
        require((a["kept"] == np.flatnonzero(largest >= a["truncation"])).all(), f"{name}: kept is what is large")

    siren = train(folder, "siren", *tube, "--model", "siren", *settings(model__width=16))
    good("export", siren, "--format", "npz", "-o", folder / "siren.npz")
    require("hyper.W1" in archive(folder / "siren.npz"), "a model that is not low-rank")
    pod = folder / "pod"
    good("train", *tube, "--model", "pod", *settings(model__rank=3), "--out", pod)
    good("export", pod, "--format", "npz", "-o", folder / "pod")
    a = archive(folder / "pod.npz")
    u = (a["coefficients"][2] @ a["modes"]).reshape(len(a["grid"]), -1) * a["size"]
    require(apart(evaluated(folder, pod, a["grid"], [a["times"][2]])[0], u) < 1e-6, "POD of its archive")


def image(path: Path) -> dict:
    """The fields of a .vti, read by the rules of the format; tests/io/vtk_reads.py asks VTK itself."""
    data = path.read_bytes()
    xml, raw = data.split(b'<AppendedData encoding="raw">\n_')
    fields = {}
    for array in ElementTree.fromstring(xml + b"</VTKFile>").iter("DataArray"):
        if array.get("format") == "appended":
            at = int(array.get("offset"))
            size = int.from_bytes(raw[at : at + 8], "little")
            fields[array.get("Name")] = np.frombuffer(raw[at + 8 : at + 8 + size], "<f8")
    return fields


def check_vti(folder: Path) -> None:
    siren, plane = folder / "siren", folder / "square"
    for here, cells, points in ((siren, 30, 30), (plane, 12, 144)):
        good("eval", here, "--t", "0.01,0.02", "--grid", cells, "-o", folder / "grid.npy", "--force")
        expected = np.load(folder / "grid.npy")
        told = json.loads(good("export", here, "--format", "vti", "--grid", cells, "--t", "0.01,0.02", "-o", folder / f"v{cells}",
                               "--json"))
        require(told["file"] == str(folder / f"v{cells}.pvd") and len(told["files"]) == 2, f"{told}")
        for k, path in enumerate(told["files"]):
            fields = image(Path(path))
            require(list(fields) == told["fields"], f"fields {list(fields)}")
            for j, u in enumerate(fields.values()):
                require(u.shape == (points,) and np.array_equal(u, expected[k, :, j]), f"{path}: the values of eval")
    good("export", siren, "--format", "vti", "--grid", 8)
    told = json.loads(good("export", folder / "mu", "--format", "vti", "--grid", 5, "--t", "0.3", "--mu", "2.5", "--json"))
    require(list(image(Path(told["files"][0]))) == told["fields"] == ['*/ "a" <@&>', "speed"], "names are escaped")
    frames = ElementTree.parse(siren / "export" / "siren.pvd").getroot().findall("Collection/DataSet")
    times = [float(frame.get("timestep")) for frame in frames]
    require(np.allclose(times, np.linspace(0, line_end, 11), rtol=0, atol=1e-15), f"times {times}")
    require(all((siren / "export" / frame.get("file")).exists() for frame in frames), "all frames are there")
    good("export", folder / "pod", "--format", "vti", "--grid", 60)
    result = run("export", siren, "--format", "vti", "--grid", 8, "--t", "0.5", "-o", folder / "late")
    require(result.returncode == 0 and "outside" in result.stderr, f"a time outside: {result.stderr}")
    refused(2, "siren.pvd exists", "export", siren, "--format", "vti", "--grid", 8)
    os.remove(siren / "export" / "siren.pvd")
    refused(2, "siren-0000.vti exists", "export", siren, "--format", "vti", "--grid", 8)
    good("export", siren, "--format", "vti", "--grid", 8, "--force")


strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
compilers = [[shutil.which("gcc"), *strict]]
if shutil.which("clang-16"):
    unasked = ["unsafe-buffer-usage", "declaration-after-statement"]  # of the safety of C, and of C89
    compilers.append([shutil.which("clang-16"), *strict, "-Weverything", *(f"-Wno-{w}" for w in unasked)])


def compiled(source: Path, *flags) -> Path:
    out = source.with_suffix("")
    for command in compilers:
        result = subprocess.run([*command, "-O2", *flags, str(source), "-lm", "-o", str(out)], capture_output=True, text=True)
        require(result.returncode == 0, f"{command}: {result.stderr[:2000]}")
    return out


def printed(executable: Path, *inputs) -> np.ndarray:
    result = subprocess.run([executable, *(repr(float(i)) for i in inputs)], capture_output=True, text=True)
    require(result.returncode == 0, f"{executable} {inputs}: {result.stderr}")
    return np.array(result.stdout.split(), float)


def check_c(folder: Path) -> None:
    random = np.random.default_rng(2)
    for name in [kind for kind, _ in kinds] + ["mu"]:
        here, a = folder / name, archive(folder / name / "export" / f"{name}.npz")
        told = json.loads(good("export", here, "--format", "c", "--json"))
        source = Path(told["file"])
        require(source == here / "export" / f"{name}.c" and told["function"] == f"{name}_values", f"{told}")
        require(told["coefficients"] == len(a["kept"]) and told["of"] == len(coefficients(a, 0, a["t_range"][1:, 0])), f"{told}")
        whole = Path(json.loads(good("export", here, "--format", "c", "--tol", 0, "-o", folder / "9 whole", "--json", "--force"))["file"])
        x, t = random.uniform(*a["x_range"].T, (20, len(a["x_range"]))), random.uniform(*a["t_range"].T, (20, len(a["t_range"])))
        u = np.stack([values(a, x[k : k + 1], t[k, 0], t[k, 1:])[0] for k in range(20)])
        less = np.stack([values(a, x[k : k + 1], t[k, 0], t[k, 1:], truncated=True)[0] for k in range(20)])
        size = np.sqrt(np.mean(np.square(u), axis=0))
        for file, flags, expected, most in ((source, [], less, 1e-9), (whole, [], u, 1e-9), (whole, ["-DLOWTIDE_FLOAT"], u, 1e-5)):
            executable = compiled(file, "-DLOWTIDE_MAIN", *flags)
            found = np.stack([printed(executable, *x[k], *t[k]) for k in range(20)])
            require((np.abs(found - expected) <= most * size).all(), f"{name}: {np.abs(found - expected) / size}")
        library = np.stack([evaluated(folder, here, x[k : k + 1], t[k, :1], t[k, 1:])[0, 0] for k in range(4)])
        require((np.abs(library - u[:4]) <= 1e-5 * size).all(), f"{name}: the values of eval")
        require(np.abs(less - u).max() <= (2 * told["error"] + 1e-12) * size.max(), f"{name}: the error is told: {told}")
        require(subprocess.run([executable], capture_output=True).returncode == 2, "a usage")
        require(subprocess.run([executable, "1x", *"1234"[: sum(map(len, (x[0], t[0]))) - 1]], capture_output=True).returncode == 2, "1x")
    for line in subprocess.run([compiled(source, "-DLOWTIDE_BENCH")], capture_output=True, text=True).stdout.splitlines():
        require(re.fullmatch(r"[0-9.]+ ns .*", line) is not None, f"the bench's '{line}'")

    # Cut short, the network changes by what is told.
    told = json.loads(good("export", folder / "square", "--format", "c", "--tol", 0.3, "-o", folder / "cut", "--json"))
    require(told["coefficients"] < told["of"] and 0 < told["error"] < 10, f"{told}")
    compiled(folder / "cut.c", "-DLOWTIDE_MAIN")


def check_point(folder: Path) -> None:
    kinds_of_layer, most_pieces = set(), 0
    for name, at, tolerance in (("lrnr", [0.31], 1e-5), ("relu", [0.3], 1e-3), ("cheb", [0.7], 1e-4), ("square", [0.3, 0.6], 1e-4), ("few", [0.4], 1e-5), ("mu", [0.2], 1e-4)):
        here, a = folder / name, archive(folder / name / "export" / f"{name}.npz")
        mu = a["t_range"][1:].mean(1) + 0.1
        told = json.loads(good("export", here, "--format", "c", "--at", words(at), "--tol", tolerance, "-o", folder / f"at-{name}", "--json",
                               *(["--mu", words(mu)] if len(mu) else [])))
        require(told["error"] <= tolerance and told["bound"] >= told["error"] / 2 and told["at"] == at, f"{told}")
        low, high = a["t_range"][0]
        times = np.concatenate([[low, high], np.linspace(low, high, 20)[1:-1] + (high - low) / 100])
        x = np.array([at])
        u = np.stack([values(a, x, t, mu)[0] for t in times]) / a["size"]
        for flags, most in (([], tolerance), (["-DLOWTIDE_FLOAT"], tolerance + 1e-4)):
            executable = compiled(folder / f"at-{name}.c", "-DLOWTIDE_MAIN", *flags)
            found = np.stack([printed(executable, t) for t in times]) / a["size"]
            off = np.linalg.norm(found - u, axis=1).max() / np.sqrt(np.mean(np.sum(u**2, axis=1)))
            require(off <= 1.5 * most, f"{name} at {at}: {off}, told was {told}")
        require((printed(executable, high + 1) == printed(executable, high)).all(), "late times are the last one")
        text = (folder / f"at-{name}.c").read_text()
        most_pieces = max(most_pieces, told["pieces"])
        kinds_of_layer |= set(re.findall(r"^  (tensor|factored)_layer", text, re.M))
        require("not a proof" in text and f"{told['bound']:.1e}" in text, "the bound and what it means")
    require(most_pieces > 1, "times in several pieces")
    require(kinds_of_layer == {"tensor", "factored"}, f"both kinds of layers: {kinds_of_layer}")


def check_mistakes(folder: Path) -> None:
    here = folder / "lrnr"
    before = sorted(folder.rglob("*"))
    refused(2, "there is no format vtk; there are npz, vti and c", "export", here, "--format", "vtk")
    refused(2, "--format", "export", here)
    refused(2, "no such folder", "export", folder / "none", "--format", "npz")
    refused(2, "not a run", "export", folder, "--format", "npz")
    refused(2, "exists; --force", "export", here, "--format", "npz")
    refused(2, "", "export", here, "--format", "vti", "--grid", "0")
    refused(2, "too many", "export", folder / "square", "--format", "vti", "--grid", "99999")
    refused(2, "--t nan", "export", here, "--format", "vti", "--t", "nan")
    refused(2, "--t is for", "export", here, "--format", "npz", "--t", "0.01")
    refused(2, "--grid is for", "export", here, "--format", "c", "--grid", "5")
    refused(2, "--at is for", "export", here, "--format", "vti", "--at", "0.5")
    refused(2, "--mu", "export", here, "--format", "npz", "--mu", "0.5")
    refused(2, "parameters", "export", here, "--format", "vti", "--mu", "0.5", "-o", folder / "mu")
    for model in ("siren", "pod"):
        refused(2, f"is a {model}; C is written of low-rank models", "export", folder / model, "--format", "c")
        refused(2, "low-rank", "export", folder / model, "--format", "c", "--at", "0.5")
    refused(2, "outside of the domain", "export", here, "--format", "c", "--at", "1.5", "-o", folder / "p")
    refused(2, "--at nan", "export", here, "--format", "c", "--at", "nan", "-o", folder / "p")
    refused(2, "2 coordinates", "export", here, "--format", "c", "--at", "0.5,0.5", "-o", folder / "p")
    refused(2, "beyond reach", "export", here, "--format", "c", "--at", "0.5", "--tol", "1e-12", "-o", folder / "p")
    refused(2, "positive", "export", here, "--format", "c", "--at", "0.5", "--tol", "0", "-o", folder / "p")
    refused(2, "", "export", here, "--format", "c", "--tol", "-1", "-o", folder / "p")
    refused(2, "lrnr.c exists", "export", here, "--format", "c")
    refused(4, "", "export", here, "--format", "npz", "-o", "/proc/none/a.npz")
    require(sorted(folder.rglob("*")) == before, "a mistake leaves nothing behind")


with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
    for check in (check_npz, check_vti, check_c, check_point, check_mistakes):
        check(Path(name))
print(f"{runs.checks} passed, 0 failed")
