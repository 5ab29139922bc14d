"""A training run that is killed, damaged or out of room goes on to the bytes it would have had."""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from runs import checkpoints, good, json, refused, require, run, settings, small, start, tensors, wait_for, without_seconds
import runs

moments, places = (40, 20) if "--few" not in sys.argv else (6, 4)
train = ["train", *small, *settings(train__batch="2:5", train__epochs=40, train__l1_epochs=10)]
often = ["--checkpoint", "0.02"]


def finished(folder: Path, wanted: Path) -> bool:
    same = (folder / "model.safetensors").read_bytes() == (wanted / "model.safetensors").read_bytes()
    best = [tensors(run / "checkpoints" / "best.safetensors")[1]["step"] for run in (folder, wanted)]
    return same and best[0] == best[1] and without_seconds(folder) == without_seconds(wanted)


def last_line(errors: str) -> str:
    return (errors.strip().splitlines() or [""])[-1]


def check_kills(folder: Path, wanted: Path, seconds: float) -> None:
    """At any moment from the first checkpoint to the end, some runs more than once."""
    dice, killed = random.Random(5), 0
    for number in range(moments):
        here = folder / "killed"
        arguments, kills = [*train, "--out", here, *often], 1 + number % 2
        for _ in range(kills):
            process = start(*arguments)
            wait_for(process, lambda: (here / "config.toml").exists())
            time.sleep(dice.uniform(0, seconds / kills))
            process.kill()
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
            arguments = ["train", "--resume", here, *often]
        good(*arguments)
        require(finished(here, wanted), f"killed {kills} times: other bytes ({number})")
        shutil.rmtree(here)
    require(killed >= moments // 2, f"{killed} were killed before they were done")


def check_kills_in_the_writer(folder: Path, wanted: Path) -> None:
    size = checkpoints(wanted)[-1].stat().st_size
    where = ["flush", "rename", "folder", "end", "0", "1", "100", str(size // 3), str(size // 2), str(size - 1000)]
    which = [1, 2, 7, 15, 16, 31]  # the 15th is the first of the best, at the end of the first epoch
    for number in range(places):
        here, fault = folder / "writer", f"checkpoint:{which[number % len(which)]}:{where[number % len(where)]}"
        result = run(*train, "--out", here, "--checkpoint", "0", env={**os.environ, "LOWTIDE_FAULT": fault})
        require(result.returncode == -signal.SIGKILL, f"{fault}: exit {result.returncode}, {result.stderr}")
        good("train", "--resume", here)
        require(finished(here, wanted), f"{fault}: other bytes")
        require(not list(here.rglob("*.tmp.*")), f"{fault}: leftovers {list(here.rglob('*.tmp.*'))}")
        shutil.rmtree(here)


def check_damage(folder: Path, wanted: Path) -> None:
    """The newest checkpoint is no good: the one before it is, then the best; then it begins anew."""
    half = folder / "half"
    process = start(*train, "--out", half, *often)
    wait_for(process, lambda: len(checkpoints(half)) >= 3)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    require(process.returncode == 75 and len(checkpoints(half)) == 3, "three checkpoints are kept")

    def truncated(path: Path) -> None:
        os.truncate(path, path.stat().st_size // 2)

    def flipped(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[len(data) * 3 // 4] ^= 1
        path.write_bytes(data)

    best = half / "checkpoints" / "best.safetensors"  # only once the data are no longer mollified
    kept = 3 + best.exists()
    for number, damage in enumerate((truncated, flipped, lambda path: path.write_bytes(b""), lambda path: path.unlink())):
        for bad in range(1, kept + 1):
            here = folder / f"damaged{number}{bad}"
            shutil.copytree(half, here)
            all_kept = (checkpoints(here)[::-1] + [here / "checkpoints" / "best.safetensors"])[:kept]
            step = int(tensors(all_kept[bad])[1]["step"]) if bad < kept else -1
            for path in all_kept[:bad]:
                damage(path)
            result = run("train", "--resume", here)
            require(result.returncode == 0, f"{result.stderr}")
            if number < 3:
                require(all(path.name in result.stderr for path in all_kept[:bad]), f"each is named: {result.stderr}")
                where = f"going on from step {step}" if bad < kept else "anew"
                require(where in result.stderr, f"{where}: {result.stderr}")
            require(finished(here, wanted), f"damage {number} of {bad}: other bytes")
            shutil.rmtree(here)


def check_no_room(folder: Path, wanted: Path) -> None:
    """A call that writes fails: exit 4 with path and reason, and whoever makes room goes on."""
    few = moments < 40
    for number, (error, words) in enumerate([("ENOSPC", "No space"), ("EIO", "nput/output"), ("EROFS", "ead-only"),
                                             ("EDQUOT", "uota")]):
        for call in (3, 20, 33) if few else (2, 3, 5, 12, 20, 21, 33):
            here = folder / "full"
            fault = {**os.environ, "LOWTIDE_FAULT": f"write:{call}:{error}"}
            result = run(*train, "--out", here, "--checkpoint", "0", env=fault)
            line = last_line(result.stderr)
            require(result.returncode == 4, f"{error} at {call}: exit {result.returncode}, {result.stderr}")
            require(str(folder) in line and words in line, f"{error} at {call}: '{line}'")
            if (here / "config.toml").exists():
                good("train", "--resume", here)
            else:  # nothing has been trained
                good(*train, "--out", here, *(["--force"] if (here / "manifest.json").exists() else []))
            require(finished(here, wanted), f"{error} at {call}: other bytes")
            shutil.rmtree(here)
    for error in ("SHORT", "EINTR"):  # nothing that matters
        here = folder / error
        result = run(*train, "--out", here, env={**os.environ, "LOWTIDE_FAULT": f"write:9:{error}"})
        require(result.returncode == 0 and finished(here, wanted), f"{error}: {result.stderr}")

    here = folder / "closed"
    if os.geteuid() != 0:
        here.mkdir(mode=0o500)
        require(str(here) in refused(4, "ermission", *train, "--out", here), "the folder is named")
    require("/proc" in refused(4, "cannot", *train, "--out", "/proc/none"), "the folder is named")


begin = time.monotonic()
with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
    root = Path(name)
    straight = root / "straight"
    took = json.loads(good(*train, "--out", straight, "--json"))["seconds"]
    took = max(took, 0.1)
    for check, more in ((check_kills, [took]), (check_kills_in_the_writer, []), (check_damage, []), (check_no_room, [])):
        check(root, straight, *more)
        print(f"{check.__name__}: {time.monotonic() - begin:.0f} s", flush=True)
print(f"{runs.checks} passed, 0 failed")
