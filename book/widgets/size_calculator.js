// Sliders for all that decides a layer's output size, the formula with the numbers put in, and where the windows lie.
// Data: {input: [h, w], kernel_size, stride, padding, dilation}: ints or [h, w].

import { button, element, outputSize, pair, slider, statusLine, svg } from "./lib.js";

const AXES = ["Height", "Width"];
const RANGES = { input: [1, 32], kernel_size: [1, 11], stride: [1, 8], padding: [0, 8], dilation: [1, 4] };
const WIDTH = 340;
const SHOWN = 7; // windows drawn before the rest is left out

// The formula of one axis in steps, as text.
export function worked({ input, kernel_size: kernel, stride, padding, dilation }) {
  const inner = input + 2 * padding - dilation * (kernel - 1) - 1;
  const size = outputSize(input, kernel, stride, padding, dilation);
  const put = `⌊(${input} + 2·${padding} − ${dilation}·(${kernel} − 1) − 1) / ${stride}⌋ + 1`;
  const exact = inner / stride;
  const rounded = Number.isInteger(exact) ? `${exact}` : `⌊${exact.toFixed(2).replace(/0$/, "")}⌋`;
  return { size, text: `${put} = ${rounded.replace("-", "−")} + 1 = ${String(size).replace("-", "−")}` };
}

// The cells of one axis in a row, and below them the windows, one line each.
function strip(settings, size) {
  const { input, kernel_size: kernel, stride, padding, dilation } = settings;
  const cells = input + 2 * padding;
  const pitch = Math.min(22, WIDTH / cells);
  const gap = pitch > 6 ? 1 : 0;
  const rows = Math.max(0, Math.min(size, SHOWN));
  const root = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${30 + rows * 13 + (size > SHOWN ? 16 : 0)}`,
    "aria-hidden": "true",
  });
  const used = new Set();
  for (let at = 0; at < size; at++) for (let u = 0; u < kernel; u++) used.add(at * stride + u * dilation);
  for (let at = 0; at < cells; at++) {
    const kind = at < padding || at >= cells - padding ? "pad" : "in";
    root.append(
      svg("rect", {
        x: at * pitch + gap,
        y: 1,
        width: pitch - 2 * gap,
        height: 20,
        rx: gap * 2,
        class: used.has(at) ? kind : `${kind} unused`,
      }),
    );
  }
  for (let at = 0; at < rows; at++) {
    for (let u = 0; u < kernel; u++) {
      root.append(
        svg("rect", {
          x: (at * stride + u * dilation) * pitch + gap,
          y: 27 + at * 13,
          width: pitch - 2 * gap,
          height: 9,
          rx: gap * 2,
          class: "reads",
        }),
      );
    }
  }
  if (size > SHOWN) root.append(svg("text", { x: 2, y: 27 + rows * 13 + 12 }, `and ${size - SHOWN} more windows`));
  return root;
}

export function mount(area, data) {
  const settings = AXES.map((_, axis) =>
    Object.fromEntries(
      Object.keys(RANGES).map((name) => [name, pair(data[name] ?? { stride: 1, padding: 0, dilation: 1 }[name])[axis]]),
    ),
  );
  const start = structuredClone(settings);
  const results = AXES.map((name) => ({
    text: element("p", { class: "cc-formula" }),
    drawn: element("div", { class: "cc-strip" }),
  }));
  const answer = statusLine("cc-answer");
  const sliders = [];

  const draw = () => {
    const sizes = settings.map((axis, index) => {
      const { size, text } = worked(axis);
      results[index].text.textContent = text;
      results[index].drawn.replaceChildren(strip(axis, size));
      return size;
    });
    const bad = sizes.findIndex((size) => size < 1);
    answer.textContent =
      bad < 0
        ? `Output: ${sizes[0]} × ${sizes[1]}, height first`
        : `No output: along the ${AXES[bad].toLowerCase()} the kernel spans more than the padded input has. PyTorch raises an error here.`;
    answer.classList.toggle("wrong", bad >= 0);
  };

  area.append(
    element(
      "div",
      { class: "cc-axes" },
      AXES.map((name, axis) =>
        element(
          "fieldset",
          {},
          element("legend", {}, name),
          Object.entries(RANGES).map(([key, [min, max]]) => {
            const made = slider({
              label: key,
              min,
              max: Math.max(max, settings[axis][key]),
              value: settings[axis][key],
              change: (value) => {
                settings[axis][key] = value;
                draw();
              },
            });
            made.input.dataset.setting = `${key}-${axis}`;
            sliders.push([made, axis, key]);
            return made.box;
          }),
          results[axis].text,
          results[axis].drawn,
        ),
      ),
    ),
    answer,
    element(
      "div",
      { class: "cc-controls" },
      button("Start again", () => {
        sliders.forEach(([made, axis, key]) => {
          settings[axis][key] = start[axis][key];
          made.set(start[axis][key]);
        });
        draw();
      }),
      button("Width like height", () => {
        Object.assign(settings[1], settings[0]);
        sliders.forEach(([made, axis, key]) => made.set(settings[axis][key]));
        draw();
      }),
    ),
    element(
      "p",
      { class: "cc-legend" },
      "Top row of each drawing: the input, padding dashed; cells that no window reads are pale. Below: where the windows lie.",
    ),
  );
  draw();
}
