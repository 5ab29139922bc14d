// What the explorer draws on its canvas: a profile, or a colour map with its bar.
"use strict";
const canvasFor = (canvas, height) => {
  const ratio = window.devicePixelRatio || 1, width = canvas.parentElement.clientWidth;
  canvas.style.height = `${height}px`;
  for (const [key, value] of [["width", width], ["height", height]])
    if (canvas[key] !== Math.round(value * ratio)) canvas[key] = Math.round(value * ratio);
  const pen = canvas.getContext("2d"), style = getComputedStyle(canvas);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = `12px ${style.fontFamily}`;
  pen.lineWidth = 1;
  const colour = (name) => style.getPropertyValue(name).trim();
  return { pen, width, height, ink: colour("--ink"), faint: colour("--faint"), line: colour("--line"), accent: colour("--accent") };
};

// About `count` round numbers between low and high, and how they are written.
const ticksOf = (low, high, count) => {
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((k) => k * power >= rough) || 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)), ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) {
    const large = Math.max(Math.abs(low), Math.abs(high)) >= 1e5 || digits > 5;
    const text = large ? (k * step).toExponential(1) : (k * step).toFixed(digits);
    ticks.push({ value: k * step, text: text.replace("-", "\u2212") });
  }
  return ticks;
};

const makeProfile = (canvas, [low, high]) => ({
  draw(values, n, [bottom, top], name, off) {
    const { pen, width, height, ink, faint, line, accent } = canvasFor(canvas, Math.min(380, Math.max(240, window.innerWidth * 0.5)));
    const box = { left: 52, right: width - 10, top: 24, bottom: height - 26 };
    const across = (x) => box.left + ((x - low) / (high - low)) * (box.right - box.left);
    const up = (u) => box.bottom - ((u - bottom) / (top - bottom)) * (box.bottom - box.top);
    pen.strokeStyle = line;
    pen.fillStyle = faint;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const { value, text } of ticksOf(bottom, top, 5)) {
      pen.beginPath();
      pen.moveTo(box.left, up(value));
      pen.lineTo(box.right, up(value));
      pen.stroke();
      pen.fillText(text, box.left - 8, up(value));
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const { value, text } of ticksOf(low, high, width < 500 ? 4 : 8)) pen.fillText(text, across(value), box.bottom + 8);
    pen.textAlign = "left";
    pen.fillStyle = ink;
    pen.fillText(name, box.left, 2);
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top - 6, box.right - box.left, box.bottom - box.top + 12);
    pen.clip();
    const curve = (u, colour, thick) => {
      pen.strokeStyle = colour;
      pen.lineWidth = thick;
      pen.lineJoin = "round";
      pen.beginPath();
      for (let i = 0; i < n; ++i) pen.lineTo(across(low + ((high - low) * i) / (n - 1)), up(u[i]));
      pen.stroke();
    };
    if (off) curve(off, faint, 1);
    curve(values, accent, 2);
    pen.restore();
  },
});

const viridis = (() => {
  const anchors = ["440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"]
    .map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Uint8Array.from({ length: 768 }, (_, k) => {
    const place = (Math.floor(k / 3) / 255) * (anchors.length - 1), i = Math.min(anchors.length - 2, Math.floor(place));
    return Math.round(anchors[i][k % 3] + (place - i) * (anchors[i + 1][k % 3] - anchors[i][k % 3]));
  });
})();

const makeColourMap = (canvas, [x, y]) => {
  const sheet = document.createElement("canvas"), bar = document.createElement("canvas");
  bar.width = 1;
  bar.height = 256;
  const paint = (target, colours) => {
    const pen = target.getContext("2d"), image = pen.createImageData(target.width, target.height);
    for (let i = 0; i < target.width * target.height; ++i) {
      const at = 3 * colours(i);
      for (let k = 0; k < 3; ++k) image.data[4 * i + k] = viridis[at + k];
      image.data[4 * i + 3] = 255;
    }
    pen.putImageData(image, 0, 0);
  };
  paint(bar, (i) => 255 - i);
  return {
    draw(values, n, [bottom, top], name) {
      const room = canvas.parentElement.clientWidth, margins = 44 + 84;
      const wide = Math.min(room - margins, ((window.innerHeight * 0.62) * (x[1] - x[0])) / (y[1] - y[0]), 560);
      const tall = (wide * (y[1] - y[0])) / (x[1] - x[0]);
      const { pen, width, ink, faint } = canvasFor(canvas, tall + 50);
      const left = 44 + Math.max(0, (width - margins - wide) / 2), above = 24;
      sheet.width = sheet.height = n;
      paint(sheet, (i) => {
        const u = values[(n - 1 - Math.floor(i / n)) * n + (i % n)]; // pictures begin at the top
        return Math.min(255, Math.max(0, Math.round((255 * (u - bottom)) / (top - bottom)))) || 0;
      });
      pen.imageSmoothingEnabled = true;
      pen.drawImage(sheet, left, above, wide, tall);
      pen.drawImage(bar, left + wide + 14, above, 12, tall);
      pen.fillStyle = ink;
      pen.textAlign = "left";
      pen.textBaseline = "top";
      pen.fillText(name, left, 2);
      pen.fillStyle = faint;
      pen.textBaseline = "middle";
      for (const { value, text } of ticksOf(bottom, top, 5))
        pen.fillText(text, left + wide + 32, above + tall * (1 - (value - bottom) / (top - bottom)));
      pen.textAlign = "right";
      for (const { value, text } of ticksOf(...y, 5)) pen.fillText(text, left - 8, above + tall * (1 - (value - y[0]) / (y[1] - y[0])));
      pen.textAlign = "center";
      pen.textBaseline = "top";
      for (const { value, text } of ticksOf(...x, 5)) pen.fillText(text, left + (wide * (value - x[0])) / (x[1] - x[0]), above + tall + 8);
    },
  };
};
