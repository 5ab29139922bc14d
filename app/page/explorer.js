// The explorer: a network that is evaluated at the time and the hypermode coordinates that sliders give.
"use strict";
const makeExplorer = (() => {
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const decimals = (low, high) => Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(high - low || 1))));
  const written = (value, low, high) => value.toFixed(decimals(low, high)).replace("-", "\u2212");
  const wider = ([low, high], part) => {
    const more = high > low ? part * (high - low) : part * Math.abs(low) || 1;
    return [low - more, high + more];
  };

  // A slider with its label and value, and a mark where the trajectory is.
  const makeSlider = (label, name, [low, high], steps, moved) => {
    const input = element("input", { type: "range", min: low, max: high, step: (high - low) / steps, "aria-label": name });
    const mark = element("span", { class: "mark" }), output = element("output");
    const row = element("div", { class: "slider" }, label, element("span", { class: "track" }, mark, input), output);
    input.addEventListener("input", () => moved(Number(input.value)));
    return {
      row,
      input,
      show(value, trajectory, held) {
        input.value = value;
        output.textContent = written(value, low, high);
        input.setAttribute("aria-valuetext", output.textContent + (held ? ", held" : ""));
        const place = Math.min(1, Math.max(0, (trajectory - low) / (high - low)));
        mark.style.setProperty("--place", place);
        row.classList.toggle("held", held);
      },
    };
  };

  // Middles of n cells a side, x fastest; in one dimension n points from end to end.
  const gridOf = (ranges, n) => {
    const [x, y] = ranges, at = ([low, high], i) => low + ((high - low) * (i + 0.5)) / n;
    if (!y) return Float64Array.from({ length: n }, (_, i) => x[0] + ((x[1] - x[0]) * i) / (n - 1));
    return Float64Array.from({ length: 2 * n * n }, (_, k) => {
      const i = k >> 1;
      return k % 2 ? at(y, Math.floor(i / n)) : at(x, i % n);
    });
  };

  return (root, data, name) => {
    const net = makeNetwork(data), flat = net.dims === 2;
    const canvas = element("canvas", { role: "img", "aria-label": `${net.fieldNames.join(", ")} of ${name}` });
    const picture = flat ? makeColourMap(canvas, data.x) : makeProfile(canvas, data.x[0]);
    const grids = new Map();
    const grid = (n) => grids.get(n) || grids.set(n, gridOf(data.x, n)).get(n);
    const beginning = data.t[0] + 0.75 * (data.t[1] - data.t[0]); // waves have come some way
    const state = { t: beginning, held: Array(net.modes).fill(null), field: 0, automatic: false, playing: false };
    let frame = 0, finer = 0, before = 0, milliseconds = 0;

    const onTrajectory = () => net.coordinatesAt(state.t);
    const coordinates = (there = onTrajectory()) => there.map((c, i) => (state.held[i] === null ? c : state.held[i]));
    const fieldOf = (points, c) => {
      const all = net.values(points, c);
      return net.fields === 1 ? all : all.filter((_, i) => i % net.fields === state.field);
    };
    const rangeOf = (values) => {
      if (!state.automatic) return wider(data.fieldRanges[state.field], flat ? 0 : 0.05);
      const low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
      return high > low ? wider([low, high], flat ? 0 : 0.05) : wider([low, high], 0.1);
    };

    const draw = () => {
      frame = 0;
      const start = performance.now(), there = onTrajectory(), c = coordinates(there);
      const n = flat ? 40 : 400, values = fieldOf(grid(n), c);
      const off = !flat && state.held.some((held) => held !== null) ? fieldOf(grid(n), there) : null;
      picture.draw(values, n, rangeOf(values), net.fieldNames[state.field], off);
      milliseconds = performance.now() - start;
      clearTimeout(finer);
      if (flat && !state.playing) finer = setTimeout(refine, 150, c);
    };
    const redraw = () => (frame = frame || requestAnimationFrame(draw));

    // A finer picture once nothing moves, in pieces, so that the page stays awake.
    const refine = (c) => {
      const n = 100, points = grid(n), values = new Float64Array(n * n), rows = 5;
      let row = 0;
      const piece = () => {
        values.set(fieldOf(points.subarray(2 * row * n, 2 * (row + rows) * n), c), row * n);
        row += rows;
        if (row < n) finer = setTimeout(piece, 0);
        else picture.draw(values, n, rangeOf(values), net.fieldNames[state.field]);
      };
      piece();
    };

    const changed = () => {
      const there = onTrajectory(), c = coordinates(there);
      time.show(state.t, state.t, false);
      sliders.forEach((slider, i) => slider.show(c[i], there[i], state.held[i] !== null));
      play.textContent = state.playing ? "Pause" : "Play";
      redraw();
    };

    const time = makeSlider(element("span", { class: "name" }, "t"), "time", data.t, 1000, (t) => {
      state.t = t;
      changed();
    });
    const sliders = data.ranges.map((range, i) => {
      const label = element("span", { class: "name" }, "c", element("sub", {}, String(i + 1)));
      return makeSlider(label, `hypermode coordinate ${i + 1}`, wider(range, 0.5), 400, (value) => {
        state.held[i] = value;
        changed();
      });
    });

    const tick = (now) => {
      if (!state.playing) return;
      const [low, high] = data.t, part = Math.min(0.1, (now - before) / 10000); // ten seconds for all times
      before = now;
      state.t += part * (high - low);
      if (state.t > high) state.t = low;
      changed();
      requestAnimationFrame(tick);
    };
    const play = element("button", { type: "button" }), reset = element("button", { type: "button" }, "Reset");
    play.addEventListener("click", () => {
      state.playing = !state.playing;
      before = performance.now();
      if (state.playing) requestAnimationFrame(tick);
      changed();
    });
    reset.addEventListener("click", () => {
      state.held.fill(null);
      state.t = beginning;
      state.playing = false;
      changed();
    });

    const options = element("div", { class: "options" });
    const field = element("select", { "aria-label": "field" });
    net.fieldNames.forEach((text, i) => field.append(element("option", { value: i }, text)));
    field.addEventListener("change", () => {
      state.field = Number(field.value);
      changed();
    });
    const automatic = element("input", { type: "checkbox" });
    automatic.addEventListener("change", () => {
      state.automatic = automatic.checked;
      changed();
    });
    if (net.fields > 1) options.append(element("label", {}, "Field ", field));
    options.append(element("label", {}, automatic, " Fit the range to what is shown"));

    const shown = net.modes <= 12 ? net.modes : 8, first = element("div", { class: "modes" });
    first.append(...sliders.slice(0, shown).map((slider) => slider.row));
    root.replaceChildren(
      element("div", { class: "stage" }, canvas),
      element("div", { class: "transport" }, play, time.row, reset),
      options,
      element("p", { class: "hint" },
        "A coordinate that you move stays where you put it, while the others follow the trajectory, whose values " +
        "the marks show. " + (flat ? "" : "The thin line is the field on the trajectory. ") + "Reset lets all follow again."),
      first);
    if (shown < net.modes) {
      const rest = element("div", { class: "modes" }, ...sliders.slice(shown).map((slider) => slider.row));
      root.append(element("details", {}, element("summary", {}, `${net.modes - shown} further coordinates`), rest));
    }
    new ResizeObserver(redraw).observe(canvas.parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    changed();

    return {
      name,
      // {t, c, field}: c are numbers to hold, or null for those that follow the trajectory.
      set({ t, c, field: chosen } = {}) {
        if (t !== undefined) state.t = t;
        if (c !== undefined) for (let i = 0; i < net.modes; ++i) state.held[i] = c[i] === undefined ? null : c[i];
        if (chosen !== undefined) field.value = state.field = chosen;
        changed();
      },
      // At physical points, numbers or [x,y], of the field that is shown.
      values: (points) => Array.from(fieldOf(Float64Array.from(points.flat()), coordinates())),
      state: () => ({ ...state, held: [...state.held], c: Array.from(coordinates()), milliseconds }),
    };
  };
})();
