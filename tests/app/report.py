"""report.py PROGRAM EXPLORER_VALUES: the page of `lowtide report`, as text and in a browser.

Exit code 77, after all that needs no browser, where there is no Chromium.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from chromium import Chromium, find
from runs import good, refused, require, run, settings, small, tube
import runs

evaluator = sys.argv[2]
quick = settings(train__epochs=20, train__l1_epochs=5)
hostile = "</script><script>document.title='x'</script><!--<b>"


def trained(folder: Path) -> dict[str, Path]:
    here = {name: folder / name for name in ("tube", "plane", "<b>own & 'x'", "siren")}
    good("train", *small, *quick, "--set", "fields=density,energy", "--out", here["tube"])
    good("train", "burgers2d", *settings(cells=24, frames=9, train__epochs=4, train__l1_epochs=1, model__width=24, model__rank=6),
         "--out", here["plane"])
    t, x = np.linspace(0, 1, 13), np.linspace(-1, 1, 40)
    with h5py.File(folder / "own.h5", "w") as f:
        f["t"], f["x"], f["u"] = t, x[:, None], np.sin(3 * x[None] - 2 * t[:, None]).reshape(-1, 1)
        f.attrs["fields"] = [hostile]
    good("train", "data", "--data", folder / "own.h5", *settings(model__width=16, model__rank=4), *quick, "--out", here["<b>own & 'x'"])
    good("train", *tube, "--set", "model.width=16", *quick, "--model", "siren-xt", "--out", here["siren"])
    return here


def check_text(page: Path, megabytes: float) -> str:
    html = page.read_text()
    require(len(html) < megabytes * 1e6, f"{page.name}: {len(html)} bytes")
    require(re.findall(r"https?://.{0,40}", html) == [], f"{page.name} names no other place")
    text = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    ids = re.findall(r"""\sid=["']([^"']*)["']""", html)
    require(len(ids) == len(set(ids)), f"ids are unique: {sorted(i for i in set(ids) if ids.count(i) > 1)[:5]}")
    wanted = set(re.findall(r"""href=["']#([^"']*)["']""", text)) | set(re.findall(r"url\(['\"]?#([^'\")]*)", text))
    require(wanted <= set(ids), f"what is referred to is there: {sorted(wanted - set(ids))[:5]}")
    return html


def check_pages(folder: Path, here: dict[str, Path]) -> dict[str, Path]:
    pages = {name: folder / f"page{k}.html" for k, name in enumerate(here)}
    told = json.loads(good("report", here["tube"], here["siren"], "-o", pages["tube"], "--json"))
    html = check_text(pages["tube"], 2)
    require(told == {"file": str(pages["tube"]), "bytes": len(html.encode()), "runs": 2, "explorers": 1}, f"{told}")
    for words in ("density, energy", "width = 16 (default 128)", "held out", "the paper’s (width 1200, rank 150)", "38, 28, 94, 147, 35",
                  "71, 58, 76, 67, 113", "FastLRNR", "siren-xt", "<svg viewBox"):
        require(words in html, f"the page tells '{words}'")
    figures = html.count("<figure>")
    require(figures > 4 and html.count(".csv\"") == figures, f"{figures} figures, each with its numbers")
    good("report", here["plane"])
    require((here["plane"] / "report.html").exists(), "its own name")
    check_text(here["plane"] / "report.html", 2)
    pages["plane"] = here["plane"] / "report.html"
    name = "<b>own & 'x'"
    good("report", here[name], "-o", pages[name])
    html = check_text(pages[name], 2)
    require("<b>" not in re.sub(r"<script.*?</script>", "", html, flags=re.S), "names of folders and fields are text")
    require("&lt;b&gt;own &amp; &#39;x&#39;" in html and "<!--" not in html, "also to the eye")
    good("report", here["siren"], "-o", pages["siren"])
    require("data-source=\"explorer" not in check_text(pages["siren"], 1), "nothing to explore in a SIREN")

    before = pages["tube"].read_bytes()
    refused(2, "exists", "report", here["tube"], "-o", pages["tube"])
    require(pages["tube"].read_bytes() == before, "what is there stays")
    refused(2, "not a run", "report", folder, "-o", folder / "none.html")
    refused(2, "no such folder", "report", folder / "nobody", "-o", folder / "none.html")
    refused(2, "", "report")
    refused(2, "model of these snapshots", "report", here["tube"], "--data", folder / "own.h5", "-o", folder / "none.html")
    broken = folder / "broken"
    shutil.copytree(here["siren"], broken)
    model = bytearray((broken / "model.safetensors").read_bytes())
    model[-4:] = b"\x00\x00\xc0\x7f"  # not a number
    (broken / "model.safetensors").write_bytes(model)
    refused(2, "broken", "report", broken)
    require(not (broken / "report.html").exists(), "no page of a broken model")
    refused(4, "there is no folder", "report", here["siren"], "-o", folder / "nowhere" / "none.html")
    require(not (folder / "none.html").exists(), "a mistake leaves no page")
    result = run("report", here["siren"], "-o", folder / "plain.html", env={**os.environ, "PATH": "/nowhere"})
    require(result.returncode == 0 and "gnuplot" in result.stderr, f"without gnuplot: {result.stderr}")
    html = check_text(folder / "plain.html", 1)
    require("gnuplot was not installed" in html and "<figure" not in html, "a page without figures says why")
    return pages


def points_of(dims: int, random_numbers: random.Random) -> list[float]:
    return [random_numbers.uniform(0, 1) for _ in range(dims)]


def check_values(browser: Chromium, folder: Path, dims: int, fields: int) -> None:
    """Against C++ at settings far from the trajectory, and on it."""
    numbers = random.Random(7)
    ranges = browser.run("[...document.querySelectorAll('.modes input')].map((i) => [Number(i.min), Number(i.max)])")
    low, high = browser.run("(() => { const i = document.querySelector('.transport input'); return [Number(i.min), Number(i.max)]; })()")
    lines, mine = [], []
    size = max(abs(v) for v in browser.run(f"lowtide.explorers[0].values({json.dumps([points_of(dims, numbers) for _ in range(200)])})"))
    for k in range(20):
        t, x = numbers.uniform(low, high), points_of(dims, numbers)
        c = [numbers.uniform(*r) for r in ranges] if k < 15 else None
        lines.append(" ".join(map(repr, [t, *(c or []), *x])) if c else " ".join([repr(t), "t", *map(repr, x)]))
        mine.append([browser.run(f"lowtide.explorers[0].set({{t: {t!r}, c: {json.dumps(c or [])}, field: {field}}}), "
                                 f"lowtide.explorers[0].values([{json.dumps(x)}])[0]") for field in range(fields)])
    told = subprocess.run([evaluator, folder], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True).stdout
    told = json.loads(told)
    require(told["modes"] == len(ranges), f"{len(ranges)} sliders for {told['modes']} hypermodes")
    theirs = np.array(told["values"])
    require(np.abs(theirs[:15]).max() > 0 and np.ptp(theirs[:15]) > 0.1 * size, "the settings make a difference")
    difference = np.abs(np.array(mine) - theirs).max()
    require(difference <= 1e-5 * size, f"{folder.name}: the page differs from C++ by {difference}, of {size}")
    print(f"{folder.name}: page and C++ differ by {difference / size:.1e} of the field")


drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(document.querySelector('canvas').toDataURL()))))"


def check_explorer(browser: Chromium, page: Path, dims: int, fields: int) -> None:
    browser.open(page)
    require(browser.run("lowtide.explorers.length") == 1, "an explorer")
    require(browser.run("document.querySelector('.explorer select option:nth-child(2)') !== null") == (fields > 1), "fields to choose from")
    state = lambda: browser.run("lowtide.explorers[0].state()")
    first, begin = browser.run(drawn), state()
    require(begin["held"] == [None] * len(begin["c"]), "all follow the trajectory at first")
    unnamed = browser.run("[...document.querySelectorAll('input[type=range]')].filter((i) => !i.getAttribute('aria-label')).length")
    require(unnamed == 0, "sliders have names")

    # Each slider changes the picture, its own coordinate, and nothing else.
    for k in range(min(3, len(begin["c"]))):
        moved = browser.run(f"(() => {{ const i = document.querySelectorAll('.modes input')[{k}]; i.value = i.max; "
                            "i.dispatchEvent(new Event('input', {bubbles: true})); return Number(i.value); })()")
        after = state()
        require(after["c"][k] == moved and after["c"][k + 1:] == begin["c"][k + 1:], f"slider {k} moves c_{k}: {after}")
        picture = browser.run(drawn)
        require(picture != first, f"slider {k} moves the picture")
        first = picture
    move = ("(() => { const i = document.querySelector('.transport input'); i.value = i.min; "
            "i.dispatchEvent(new Event('input', {bubbles: true})); })()")
    browser.run(move)
    after = state()
    require(after["t"] < begin["t"] and after["c"][-1] != begin["c"][-1], "the others follow the time")
    require(after["c"][0] == moved or after["held"][0] is not None, "what was moved stays")
    require(browser.run("document.querySelectorAll('.slider.held').length") == min(3, len(begin["c"])), "and is marked")

    button = lambda words: browser.run(
        f"(() => {{ const b = [...document.querySelectorAll('.explorer button')].find((b) => b.textContent === '{words}'); b.click(); }})()")
    button("Reset")
    require(state()["c"] == begin["c"] and state()["t"] == begin["t"], "reset")
    button("Play")
    require(browser.until(f"lowtide.explorers[0].state().t !== {begin['t']!r}"), "time runs")
    button("Pause")
    stopped = state()
    require(browser.run(drawn) is not None and state()["t"] == stopped["t"] and not stopped["playing"], "and stops")
    browser.run("document.querySelector('.transport input').focus()")
    for kind in ("rawKeyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="ArrowLeft", code="ArrowLeft", windowsVirtualKeyCode=37)
    require(state()["t"] != stopped["t"], "the keyboard moves a slider")
    if dims == 2:  # once nothing moves, a finer picture
        coarse = browser.run(drawn)
        require(browser.until(f"document.querySelector('canvas').toDataURL() !== {json.dumps(coarse)}"), "a finer picture")


def check_browser(folder: Path, here: dict[str, Path], pages: dict[str, Path], program: str) -> None:
    downloads = folder / "saved"
    downloads.mkdir()
    browser = Chromium(program, folder / "profile")
    try:
        for name, dims, fields in (("tube", 1, 2), ("plane", 2, 1)):
            check_explorer(browser, pages[name], dims, fields)
            check_values(browser, here[name], dims, fields)
        for width in (390, 1280):
            for page in pages.values():
                browser.open(page, width, 844, dark=width == 390)
                require(browser.run("document.documentElement.scrollWidth") <= width, f"{page} fits into {width} pixels")
        browser.open(pages["<b>own & 'x'"])
        require("lowtide" in browser.run("document.title"), "hostile names do nothing")
        require(hostile in browser.run("document.querySelector('dl').textContent"), "but can be read")
        require(browser.run("document.querySelectorAll('b').length") == 0, "as text")
        browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        for kind, words in (("-data'][data-packed]", ","), ("-script']", "set output")):  # with and without compression
            browser.open(pages["<b>own & 'x'"])  # a second file without a click of the user's is not allowed
            saved = browser.run(f"(() => {{ const kept = document.querySelector(\"script[id$='{kind}\"); "
                                "const a = document.querySelector(`a.save[data-source=${kept.id}]`); a.click(); return a.download; })()")
            require(browser.until_there(downloads / saved), f"{saved} can be saved")
            text = (downloads / saved).read_text()
            require(text.count("\n") > 5 and words in text and "\\l" not in text, f"{saved}: {text[:80]}")
        require(browser.trouble == [], f"the console says {browser.trouble}")
        elsewhere = [url for url in browser.requests if not url.startswith(("file:", "data:", "blob:"))]
        require(elsewhere == [], f"the page asks for {elsewhere}")
        for name in ("tube", "plane"):
            browser.open(pages[name])
            times = browser.run(
                "(async () => { const e = lowtide.explorers[0], all = []; for (let k = 0; k < 40; ++k) { e.set({c: [k]}); "
                "await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame); all.push(e.state().milliseconds); } "
                "return all; })()")
            print(f"{name}: {np.median(times):.1f} ms a frame")
    finally:
        browser.close()


with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as name:
    here = trained(Path(name))
    pages = check_pages(Path(name), here)
    program = find()
    if program:
        check_browser(Path(name), here, pages, program)
print(f"{runs.checks} passed, 0 failed")
if not program:
    print("SKIPPED: no Chromium here, so nobody has looked at the pages")
    sys.exit(77)
