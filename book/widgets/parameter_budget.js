// Build a small network and see, layer by layer, the shape, the values and the parameters, against a budget.
// Data: {layers: [{kind, out, kernel, stride, padding}], budget, input: [C, H, W] (1 x 28 x 28 unless given)}

import { button, choice, element, number, numberField, outputSize, statusLine } from "./lib.js";

// What a reader can set of each kind, and what it is when not given.
const KINDS = {
  conv: { text: "Conv2d", fields: { out: 8, kernel: 3, stride: 1, padding: 0 } },
  batchnorm: { text: "BatchNorm2d", fields: {} },
  relu: { text: "ReLU", fields: {} },
  pool: { text: "MaxPool2d", fields: { kernel: 2 } },
  gap: { text: "Global average pool", fields: {} },
  flatten: { text: "Flatten", fields: {} },
  linear: { text: "Linear", fields: { out: 10 } },
};
const LOWEST = { out: 1, kernel: 1, stride: 1, padding: 0 };

// One layer's output shape and parameters from its input's shape; raises an Error that says what does not fit.
export function layerShape(layer, shape) {
  const [channels, ...size] = shape;
  const flat = size.length === 0;
  const needsImage = () => { if (flat) throw new Error(`${KINDS[layer.kind].text} needs an image, but the layer before it gives a plain vector`); };
  const windows = (kernel, stride, padding) => {
    const sizes = size.map((n) => outputSize(n, kernel, stride, padding));
    if (sizes.some((n) => n < 1)) throw new Error(`a window of ${kernel} × ${kernel} does not fit into ${size.join(" × ")}`);
    return sizes;
  };
  switch (layer.kind) {
    case "conv":
      needsImage();
      return { shape: [layer.out, ...windows(layer.kernel, layer.stride, layer.padding)],
        parameters: layer.out * (channels * layer.kernel ** 2 + (layer.bias === false ? 0 : 1)) };
    case "batchnorm":
      needsImage();
      return { shape, parameters: 2 * channels };
    case "pool":
      needsImage();
      return { shape: [channels, ...windows(layer.kernel, layer.stride ?? layer.kernel, layer.padding ?? 0)], parameters: 0 };
    case "gap":
      needsImage();
      return { shape: [channels], parameters: 0 };
    case "flatten":
      return { shape: [shape.reduce((a, b) => a * b, 1)], parameters: 0 };
    case "linear":
      if (!flat) throw new Error("Linear needs a vector: put Flatten or a global average pool before it");
      return { shape: [layer.out], parameters: layer.out * (channels + (layer.bias === false ? 0 : 1)) };
    default:
      return { shape, parameters: 0 };
  }
}

// Every layer's {shape, parameters, error}, and the sum. After an error the rest is left out.
export function count(layers, input) {
  let [shape, sum, error] = [input, 0, null];
  const rows = layers.map((layer) => {
    if (error) return {};
    try {
      const row = layerShape(layer, shape);
      shape = row.shape;
      sum += row.parameters;
      return row;
    } catch (problem) {
      error = problem.message;
      return { error };
    }
  });
  return { rows, sum, error, shape };
}

const withDefaults = (layer) => ({ ...KINDS[layer.kind].fields, ...layer });

export function mount(area, data) {
  const input = data.input ?? [1, 28, 28];
  const unknown = data.layers.find(({ kind }) => !KINDS[kind]);
  if (unknown) throw new Error(`no layer kind is called ${unknown.kind}`);
  let layers = data.layers.map(withDefaults);
  let outputs = [];
  const body = element("tbody");
  const bar = element("span", { class: "cc-fill" });
  const status = statusLine("cc-answer");

  // Numbers only: the fields keep the focus while the reader types.
  function report() {
    const { rows, sum, error, shape } = count(layers, input);
    rows.forEach((row, index) => {
      outputs[index].shape.textContent = row.error ?? (row.shape ? row.shape.join(" × ") : "");
      outputs[index].shape.classList.toggle("wrong", Boolean(row.error));
      outputs[index].parameters.textContent = row.shape ? number(row.parameters) : "";
    });
    const left = data.budget - sum;
    bar.style.width = `${Math.min(100, (100 * sum) / data.budget)}%`;
    bar.classList.toggle("over", left <= 0);
    const room = left > 0 ? `${number(left)} left below ${number(data.budget)}` : `not below ${number(data.budget)}: ${number(-left + 1)} too many`;
    status.textContent = error ? `The layers do not fit together: ${error}.` : `${number(sum)} parameters, ${room}. Output: ${shape.join(" × ")}.`;
    status.classList.toggle("wrong", Boolean(error) || left <= 0);
  }

  function rebuild(focus) {
    outputs = layers.map(() => ({ shape: element("td", { class: "cc-shape" }), parameters: element("td", { class: "cc-right" }) }));
    body.replaceChildren(...layers.map((layer, index) => {
      const place = `layer ${index + 1}, ${KINDS[layer.kind].text}`;
      const fields = Object.keys(KINDS[layer.kind].fields).map((key) => element("label", { class: "cc-field" }, key,
        numberField({ label: `${key} of ${place}`, value: layer[key], min: LOWEST[key], max: 4096, change: (value) => { layer[key] = Math.round(value); report(); } })));
      const swap = (by) => { [layers[index], layers[index + by]] = [layers[index + by], layers[index]]; rebuild(index + by); };
      return element("tr", {},
        element("th", { scope: "row" }, KINDS[layer.kind].text), element("td", {}, fields), outputs[index].shape, outputs[index].parameters,
        element("td", { class: "cc-tools" },
          button("↑", () => swap(-1), { "aria-label": `Move up ${place}`, disabled: index === 0 }),
          button("↓", () => swap(1), { "aria-label": `Move down ${place}`, disabled: index === layers.length - 1 }),
          button("×", () => { layers.splice(index, 1); rebuild(Math.min(index, layers.length - 1)); }, { "aria-label": `Remove ${place}`, class: "cc-button cc-remove" })));
    }));
    if (focus !== undefined) body.rows[focus]?.querySelector("button:not([disabled])")?.focus();
    report();
  }

  const kind = choice({ label: "New layer", options: Object.entries(KINDS).map(([key, { text }]) => [key, text]), value: "conv", change: () => {} });
  area.append(
    element("div", { class: "cc-track cc-budget", "aria-hidden": "true" }, bar), status,
    element("div", { class: "scroll" }, element("table", { class: "cc-layers" },
      element("thead", {}, element("tr", {}, ["Layer", "Settings", `Output (input ${input.join(" × ")})`, "Parameters", "Change"].map((text) => element("th", { scope: "col" }, text)))), body)),
    element("div", { class: "cc-controls" }, kind.box,
      button("Add at the end", () => { layers.push(withDefaults({ kind: kind.select.value })); rebuild(); }, { class: "cc-button strong cc-add" }),
      button("Start again", () => { layers = data.layers.map(withDefaults); rebuild(); })));
  rebuild();
}
