// A convolution layer, one output value at a time: the window in every input channel, the products, the sum, the bias.
// Data: {input: [C][H][W], weight: [K][C][kh][kw], bias: [K], stride, padding}

import { arrowStep, button, choice, element, number, outputSize, pair, statusLine } from "./lib.js";

// One output value in pieces: for each channel its products {x, w, inside} row by row and their sum; and the total.
export function outputValue(data, k, row, column) {
  const [stride, padding] = [pair(data.stride ?? 1), pair(data.padding ?? 0)];
  const channels = data.weight[k].map((kernel, c) => {
    const products = kernel.flatMap((line, u) => line.map((w, v) => {
      const [r, q] = [row * stride[0] - padding[0] + u, column * stride[1] - padding[1] + v];
      const x = data.input[c][r]?.[q];
      return { x: x ?? 0, w, at: [r, q], inside: x !== undefined };
    }));
    return { products, sum: products.reduce((sum, { x, w }) => sum + x * w, 0) };
  });
  return { channels, total: channels.reduce((sum, channel) => sum + channel.sum, data.bias[k]) };
}

// The output's height and width.
export function outputShape(data) {
  const [stride, padding] = [pair(data.stride ?? 1), pair(data.padding ?? 0)];
  const [input, kernel] = [data.input[0], data.weight[0][0]];
  return [outputSize(input.length, kernel.length, stride[0], padding[0]), outputSize(input[0].length, kernel[0].length, stride[1], padding[1])];
}

const signed = (value) => (value < 0 ? `(${number(value)})` : number(value));

function gridTable(caption, rows, kindOf) {
  return element("table", { class: "cc-grid" }, element("caption", {}, caption),
    element("tbody", {}, rows.map((line, r) => element("tr", {}, line.map((value, c) =>
      element("td", { class: kindOf(r, c) }, value === null ? "" : number(value)))))));
}

export function mount(area, data) {
  const [height, width] = outputShape(data);
  const padding = pair(data.padding ?? 0);
  const filters = data.weight.length;
  let [k, row, column] = [0, 0, 0];
  const inputs = element("div", { class: "cc-stack" });
  const kernels = element("div", { class: "cc-stack" });
  const sums = element("div", { class: "cc-sums" });
  const status = statusLine();
  const cells = [];

  const output = element("table", { class: "cc-grid cc-output" }, element("caption"), element("tbody", {},
    Array.from({ length: height }, (_, r) => element("tr", {}, Array.from({ length: width }, (_, c) => {
      const cell = element("button", { type: "button", onclick: () => go(r, c) });
      (cells[r] ??= [])[c] = cell;
      return element("td", {}, cell);
    })))));
  output.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    if (!step) return;
    event.preventDefault();
    go(Math.min(height - 1, Math.max(0, row + step[0])), Math.min(width - 1, Math.max(0, column + step[1])));
    cells[row][column].focus();
  });

  function go(nextRow, nextColumn) { [row, column] = [nextRow, nextColumn]; draw(); }

  function draw() {
    const { channels, total } = outputValue(data, k, row, column);
    inputs.replaceChildren(...channels.map(({ products }, c) => {
      const lit = new Set(products.map(({ at }) => at.join()));
      const rows = Array.from({ length: data.input[c].length + 2 * padding[0] }, (_, r) =>
        Array.from({ length: data.input[c][0].length + 2 * padding[1] }, (_, q) => data.input[c][r - padding[0]]?.[q - padding[1]] ?? 0));
      const kind = (r, q) => [lit.has([r - padding[0], q - padding[1]].join()) ? "lit" : "",
        data.input[c][r - padding[0]]?.[q - padding[1]] === undefined ? "pad" : ""].join(" ").trim();
      return gridTable(`Input, channel ${c}`, rows, kind);
    }));
    kernels.replaceChildren(...data.weight[k].map((kernel, c) => gridTable(`Filter ${k}, channel ${c}`, kernel, () => "kernel")));
    sums.replaceChildren(...channels.map(({ products, sum }, c) => element("p", {},
      element("span", { class: "cc-tag" }, `channel ${c}`), ` ${products.map(({ x, w }) => `${number(x)}·${signed(w)}`).join(" + ")} = `, element("b", {}, number(sum)))));
    output.caption.textContent = `Output, channel ${k}`;
    cells.forEach((line, r) => line.forEach((cell, c) => {
      const here = r === row && c === column;
      const value = number(outputValue(data, k, r, c).total);
      cell.textContent = value;
      cell.classList.toggle("lit", here);
      cell.tabIndex = here ? 0 : -1;
      cell.setAttribute("aria-label", `row ${r}, column ${c}: ${value}`);
      cell.setAttribute("aria-pressed", String(here));
    }));
    const parts = channels.map(({ sum }, c) => (c ? signed(sum) : number(sum)));
    status.textContent = `output[${k}, ${row}, ${column}] = ${[...parts, `${signed(data.bias[k])} (bias)`].join(" + ")} = ${number(total)}`;
  }

  const advance = (by) => {
    const at = (row * width + column + by + height * width) % (height * width);
    go(Math.floor(at / width), at % width);
  };
  const filter = choice({ label: "Filter", options: data.weight.map((_, index) => [String(index), `${index} of 0 to ${filters - 1}`]), value: "0",
    change: (value) => { k = Number(value); draw(); } });
  area.append(
    element("div", { class: "cc-controls" }, button("Back", () => advance(-1)), button("Next", () => advance(1), { class: "cc-button strong" }), filters > 1 ? filter.box : ""),
    element("div", { class: "cc-panels" }, inputs, element("span", { class: "cc-sign", "aria-hidden": "true" }, "∗"), kernels,
      element("span", { class: "cc-sign", "aria-hidden": "true" }, "="), output),
    sums, status,
    element("p", { class: "cc-legend" }, "Click a cell of the output, or go there with the arrow keys."));
  draw();
}
