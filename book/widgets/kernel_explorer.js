// Edit a kernel and see the filtered photograph at once; probe any pixel for the number behind it.
// Data: {image: [[0-255]], kernels: {name: [[...]]}}

import { arrowStep, button, choice, drawGray, drawSigned, element, number, numberField, onThemeChange, signsLegend, statusLine } from "./lib.js";

// Correlate an image with a kernel of odd or even size. border: "valid" keeps only whole windows; "zeros" and "replicate"
// (repeat the edge pixel) keep the image's size.
export function correlate(image, kernel, border) {
  const [height, width, kh, kw] = [image.length, image[0].length, kernel.length, kernel[0].length];
  const [top, left] = border === "valid" ? [0, 0] : [Math.floor((kh - 1) / 2), Math.floor((kw - 1) / 2)];
  const rows = border === "valid" ? height - kh + 1 : height;
  const columns = border === "valid" ? width - kw + 1 : width;
  const clamp = (at, size) => Math.min(size - 1, Math.max(0, at));
  const pixel = border === "replicate"
    ? (r, c) => image[clamp(r, height)][clamp(c, width)]
    : (r, c) => (r >= 0 && r < height && c >= 0 && c < width ? image[r][c] : 0);
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => {
    let sum = 0;
    for (let u = 0; u < kh; u++) for (let v = 0; v < kw; v++) sum += kernel[u][v] * pixel(r - top + u, c - left + v);
    return sum;
  }));
}

const total = (kernel) => kernel.flat().reduce((sum, weight) => sum + weight, 0);
const tidy = (weight) => Number(weight.toFixed(4));

export function mount(area, data) {
  const names = Object.keys(data.kernels);
  let kernel = data.kernels[names[0]].map((row) => row.map(tidy));
  let exact = data.kernels[names[0]];
  let [border, result, probe] = ["valid", null, [data.image.length >> 1, data.image[0].length >> 1]];
  const before = element("canvas", { role: "img", "aria-label": "The photograph before filtering" });
  const after = element("canvas", { role: "application", tabindex: 0, "aria-label": "The filtered photograph. Arrow keys move the probe by one pixel, with Shift by ten." });
  const fields = element("div", { class: "cc-kernel", role: "group", "aria-label": "The kernel's weights" });
  const status = statusLine();
  const legend = signsLegend();
  const facts = element("p", { class: "cc-facts" });
  const mark = element("span", { class: "cc-mark", "aria-hidden": "true" });

  function report() {
    probe = [Math.min(probe[0], result.length - 1), Math.min(probe[1], result[0].length - 1)];
    const value = result[probe[0]][probe[1]];
    status.textContent = `Row ${probe[0]}, column ${probe[1]}: ${number(value)}`;
    mark.style.left = `${(100 * (probe[1] + 0.5)) / result[0].length}%`;
    mark.style.top = `${(100 * (probe[0] + 0.5)) / result.length}%`;
  }

  function draw() {
    result = correlate(data.image, exact, border);
    const automatic = Math.abs(total(exact)) < 0.01 ? "signed" : "plain";
    const view = show.select.value === "auto" ? automatic : show.select.value;
    if (view === "signed") drawSigned(after, result); else drawGray(after, result);
    legend.hidden = view !== "signed";
    const flat = result.flat();
    const [low, high] = flat.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
    facts.textContent = `Weights sum to ${number(total(exact), 3)}. Output ${result.length} × ${result[0].length}, from ${number(low, 1)} to ${number(high, 1)}${view === "signed" ? "" : "; shown clipped to 0…255"}.`;
    report();
  }

  function setKernel(next) {
    exact = next.map((row) => [...row]);
    kernel = exact.map((row) => row.map(tidy));
    fields.style.setProperty("--columns", kernel[0].length);
    fields.replaceChildren(...kernel.flatMap((row, r) => row.map((weight, c) =>
      numberField({ label: `weight in row ${r}, column ${c}`, value: weight, step: "any", change: (value) => { exact[r][c] = value; draw(); } }))));
    draw();
  }

  after.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    if (!step) return;
    event.preventDefault();
    const far = event.shiftKey ? 10 : 1;
    probe = [0, 1].map((axis) => Math.min([result.length, result[0].length][axis] - 1, Math.max(0, probe[axis] + far * step[axis])));
    report();
  });
  after.addEventListener("pointerdown", (event) => {
    const box = after.getBoundingClientRect();
    probe = [Math.floor(((event.clientY - box.top) / box.height) * result.length), Math.floor(((event.clientX - box.left) / box.width) * result[0].length)]
      .map((at) => Math.max(0, at));
    report();
  });

  const preset = choice({ label: "Kernel", options: names, value: names[0], change: (name) => setKernel(data.kernels[name]) });
  const edges = choice({ label: "Border", options: [["valid", "valid: whole windows only"], ["zeros", "zeros: black outside"], ["replicate", "replicate: repeat the edge"]], value: border,
    change: (value) => { border = value; draw(); } });
  const show = choice({ label: "Show", options: [["auto", "by the kernel's sum"], ["plain", "as brightness"], ["signed", "by sign"]], value: "auto", change: draw });
  area.append(
    element("div", { class: "cc-controls" }, preset.box, edges.box, show.box),
    element("div", { class: "cc-panels" },
      element("div", { class: "cc-picture" }, element("p", {}, "Before"), before),
      element("div", {}, element("p", { class: "cc-small" }, "Weights, yours to change"), fields,
        button("Flip by 180° (true convolution)", () => setKernel(exact.map((row) => [...row].reverse()).reverse()))),
      element("div", { class: "cc-picture" }, element("p", {}, "After"), element("div", { class: "cc-probe" }, after, mark), legend)),
    facts, status);
  drawGray(before, data.image);
  setKernel(data.kernels[names[0]]);
  onThemeChange(draw);
}
