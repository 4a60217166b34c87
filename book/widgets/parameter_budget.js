// Build a small network and see for each layer what comes out, what it costs and how much of the image it sees.
// Data: {layers: [{kind, out, kernel, stride, padding}], budget, input: [C, H, W] (1 x 28 x 28 unless given)}
// "Numbers" are those in the graph of the exported network, where a norm is folded into the convolution before it.

import { button, choice, element, number, numberField, outputSize, statusLine } from "./lib.js";

// What a reader can set of each kind, and what it is when not given.
const KINDS = {
  normalize: { text: "Normalize", fields: {} },
  block: { text: "Conv2d, norm, ReLU", fields: { out: 16, kernel: 3, stride: 1, padding: 0 } },
  conv: { text: "Conv2d, ReLU", fields: { out: 16, kernel: 3, stride: 1, padding: 0 } },
  pool: { text: "MaxPool2d", fields: { kernel: 2 } },
  gap: { text: "Average, Flatten", fields: {} },
  flatten: { text: "Flatten", fields: {} },
  linear: { text: "Linear", fields: { out: 10 } },
};
const LOWEST = { out: 1, kernel: 1, stride: 1, padding: 0 };
const HEAD = ["gap", "flatten", "linear"];

// One layer: its output shape, numbers in the graph, trained parameters, multiplications, and how many input pixels
// along an axis an output value reads (`sees`; `step` is how far apart two neighbors are). An Error says what does not fit.
export function layerCost(layer, { shape, sees, step }) {
  const [channels, ...size] = shape;
  const flat = size.length === 0;
  if (flat && layer.kind !== "linear")
    throw new Error(`${KINDS[layer.kind].text} needs an image, but what comes before it gives a plain vector`);
  const free = { shape, numbers: 0, trained: 0, multiplications: 0, sees, step };
  const slide = (kernel, stride, padding) => {
    const sizes = size.map((n) => outputSize(n, kernel, stride, padding));
    if (sizes.some((n) => n < 1))
      throw new Error(`a window of ${kernel} × ${kernel} does not fit into ${size.join(" × ")}`);
    return { ...free, shape: [channels, ...sizes], sees: sees + (kernel - 1) * step, step: step * stride };
  };
  switch (layer.kind) {
    case "normalize":
      return { ...free, numbers: 2 };
    case "block":
    case "conv": {
      const after = slide(layer.kernel, layer.stride, layer.padding);
      const weights = layer.out * channels * layer.kernel ** 2;
      after.shape[0] = layer.out;
      const places = after.shape[1] * after.shape[2];
      return {
        ...after,
        numbers: weights + layer.out,
        trained: weights + (layer.kind === "block" ? 2 : 1) * layer.out,
        multiplications: weights * places,
      };
    }
    case "pool":
      return slide(layer.kernel, layer.kernel, 0);
    case "gap": // two axes, and the shape of the flattened vector
      return { ...free, shape: [channels], numbers: 4, sees: sees + (Math.max(...size) - 1) * step };
    case "flatten":
      return {
        ...free,
        shape: [shape.reduce((a, b) => a * b, 1)],
        numbers: 2,
        sees: sees + (Math.max(...size) - 1) * step,
      };
    default: {
      if (!flat) throw new Error("Linear needs a vector: put Flatten or an average before it");
      const numbers = layer.out * (channels + 1);
      return { ...free, shape: [layer.out], numbers, trained: numbers, multiplications: layer.out * channels };
    }
  }
}

// Every layer's cost or error, and the sums. After an error the remaining layers are left out.
export function count(layers, input) {
  let at = { shape: input, sees: 1, step: 1 };
  const sums = { numbers: 0, trained: 0, multiplications: 0, error: null };
  const rows = layers.map((layer) => {
    if (sums.error) return {};
    try {
      at = layerCost(layer, at);
      for (const key of ["numbers", "trained", "multiplications"]) sums[key] += at[key];
      return at;
    } catch (problem) {
      sums.error = problem.message;
      return { error: sums.error };
    }
  });
  return { rows, ...sums, shape: at.shape };
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
  const also = element("p", { class: "cc-facts" });
  const columns = ["Output", "Numbers", "Multiplications"];

  // Numbers only: the fields keep the focus while the reader types.
  function report() {
    const { rows, numbers, trained, multiplications, error, shape } = count(layers, input);
    const most = Math.max(...input.slice(1));
    rows.forEach((row, index) => {
      const cells = outputs[index];
      cells.shape.textContent = row.error ?? (row.shape ? row.shape.join(" × ") : "");
      cells.shape.classList.toggle("wrong", Boolean(row.error));
      cells.numbers.textContent = row.shape ? number(row.numbers) : "";
      cells.multiplications.textContent = row.shape ? number(row.multiplications) : "";
      cells.sees.textContent = row.shape ? `sees ${row.sees >= most ? "all" : `${row.sees} × ${row.sees}`}` : "";
    });
    const left = data.budget - numbers;
    bar.style.width = `${Math.min(100, (100 * numbers) / data.budget)}%`;
    bar.classList.toggle("over", left <= 0);
    const room =
      left > 0
        ? `${number(left)} left below ${number(data.budget)}`
        : `not below ${number(data.budget)}: ${number(-left + 1)} too many`;
    status.textContent = error
      ? `The layers do not fit together: ${error}.`
      : `${number(numbers)} numbers in the graph, ${room}.`;
    also.textContent = error
      ? ""
      : `${number(trained)} trained parameters; ${number(multiplications)} multiplications per image; output: ${shape.join(" × ")}.`;
    status.classList.toggle("wrong", Boolean(error) || left <= 0);
  }

  function rebuild(focus) {
    outputs = layers.map(() => ({
      shape: element("span", { class: "cc-shape" }),
      sees: element("small", { class: "cc-sees" }),
      numbers: element("td", { class: "cc-numbers", "data-label": "Numbers" }),
      multiplications: element("td", { class: "cc-multiplications", "data-label": "Multiplications" }),
    }));
    body.replaceChildren(
      ...layers.map((layer, index) => {
        const place = `layer ${index}, ${KINDS[layer.kind].text}`;
        const fields = Object.keys(KINDS[layer.kind].fields).map((key) =>
          element(
            "label",
            { class: "cc-field" },
            key,
            numberField({
              label: `${key} of ${place}`,
              value: layer[key],
              min: LOWEST[key],
              max: 4096,
              change: (value) => {
                layer[key] = Math.round(value);
                report();
              },
            }),
          ),
        );
        const swap = (by) => {
          [layers[index], layers[index + by]] = [layers[index + by], layers[index]];
          rebuild(index + by);
        };
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, KINDS[layer.kind].text),
          element("td", { class: "cc-settings" }, fields),
          element("td", { class: "cc-output", "data-label": "Output" }, outputs[index].shape, " ", outputs[index].sees),
          outputs[index].numbers,
          outputs[index].multiplications,
          element(
            "td",
            { class: "cc-tools" },
            button("↑", () => swap(-1), { "aria-label": `Move up ${place}`, disabled: index === 0 }),
            button("↓", () => swap(1), { "aria-label": `Move down ${place}`, disabled: index === layers.length - 1 }),
            button(
              "×",
              () => {
                layers.splice(index, 1);
                rebuild(Math.min(index, layers.length - 1));
              },
              { "aria-label": `Remove ${place}`, class: "cc-button cc-remove" },
            ),
          ),
        );
      }),
    );
    if (focus !== undefined) body.rows[focus]?.querySelector("input, button:not([disabled])")?.focus();
    report();
  }

  // A new layer belongs before what turns maps into scores.
  function insert(kind) {
    const head = layers.findIndex((layer) => HEAD.includes(layer.kind));
    const at = head < 0 ? layers.length : head;
    layers.splice(at, 0, withDefaults({ kind }));
    rebuild(at);
  }

  const kind = choice({
    label: "New layer",
    options: Object.entries(KINDS).map(([key, { text }]) => [key, text]),
    value: "block",
    change: () => {},
  });
  area.append(
    element("div", { class: "cc-track cc-budget", "aria-hidden": "true" }, bar),
    status,
    also,
    element(
      "table",
      { class: "cc-layers" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ["Layer", "Settings", ...columns, "Change"].map((text) => element("th", { scope: "col" }, text)),
        ),
      ),
      body,
    ),
    element(
      "div",
      { class: "cc-controls" },
      kind.box,
      button("Insert before the head", () => insert(kind.select.value), { class: "cc-button strong cc-add" }),
      button("Start again", () => {
        layers = data.layers.map(withDefaults);
        rebuild();
      }),
    ),
  );
  rebuild();
}
