// The classic arrangements of padding and stride, moving in step once started: which input cells feed which output cell.
// Data: {arrangements: [{name, input: [h, w], kernel: [h, w], stride: [h, w], padding: [h, w], dilation: [h, w]}]}

import { button, element, outputSize, pair, slider, statusLine, svg } from "./lib.js";

const CELL = 17;
const GAP = 2.2; // cells between output and input

// The arrangement with every setting a pair, and its output's height and width.
export function complete(arrangement) {
  const settings = { stride: 1, padding: 0, dilation: 1, ...arrangement };
  for (const key of ["input", "kernel", "stride", "padding", "dilation"]) settings[key] = pair(settings[key]);
  settings.output = [0, 1].map((axis) =>
    outputSize(
      settings.input[axis],
      settings.kernel[axis],
      settings.stride[axis],
      settings.padding[axis],
      settings.dilation[axis],
    ),
  );
  return settings;
}

// The cells under the kernel for output cell [row, column], counted from the input's own corner: padding lies outside.
export function windowCells(settings, [row, column]) {
  const { kernel, stride, padding, dilation } = settings;
  const cells = [];
  for (let u = 0; u < kernel[0]; u++) {
    for (let v = 0; v < kernel[1]; v++) {
      cells.push([row * stride[0] - padding[0] + u * dilation[0], column * stride[1] - padding[1] + v * dilation[1]]);
    }
  }
  return cells;
}

// "(5 + 2 − 3) / 2 + 1 = 3" for one axis.
export function formula(settings, axis) {
  const [n, k, s, p, d] = ["input", "kernel", "stride", "padding", "dilation"].map((key) => settings[key][axis]);
  const span = d * (k - 1) + 1;
  const parts = `${n}${p ? ` + 2·${p}` : ""} − ${span}`;
  const floored = (n + 2 * p - span) % s !== 0;
  const fraction = s === 1 ? parts : `${floored ? "⌊" : ""}(${parts}) / ${s}${floored ? "⌋" : ""}`;
  return `${fraction} + 1 = ${settings.output[axis]}`;
}

function drawing(settings) {
  const [padded, out] = [[0, 1].map((axis) => settings.input[axis] + 2 * settings.padding[axis]), settings.output];
  const columns = Math.max(padded[1], out[1]);
  const inputTop = out[0] + GAP;
  const cell = (row, column, left, top, kind) =>
    svg("rect", {
      x: (left + column) * CELL + 1,
      y: (top + row) * CELL + 1,
      width: CELL - 2,
      height: CELL - 2,
      rx: 2,
      class: kind,
    });
  const inputLeft = (columns - padded[1]) / 2;
  const outLeft = (columns - out[1]) / 2;
  const inputs = new Map();
  const outputs = [];
  const root = svg("svg", {
    viewBox: `0 0 ${columns * CELL} ${(inputTop + padded[0]) * CELL}`,
    width: columns * CELL,
    "aria-hidden": "true",
  });
  for (let row = 0; row < padded[0]; row++) {
    for (let column = 0; column < padded[1]; column++) {
      const own = [row - settings.padding[0], column - settings.padding[1]];
      const inside = own.every((at, axis) => at >= 0 && at < settings.input[axis]);
      const rect = cell(row, column, inputLeft, inputTop, inside ? "in" : "pad");
      inputs.set(own.join(), rect);
      root.append(rect);
    }
  }
  const beam = svg("polygon", { class: "beam" });
  root.append(beam);
  for (let row = 0; row < out[0]; row++) {
    for (let column = 0; column < out[1]; column++) {
      outputs.push(cell(row, column, outLeft, 0, "out"));
    }
  }
  root.append(...outputs);
  const show = (index) => {
    const [row, column] = [Math.floor(index / out[1]), index % out[1]];
    const lit = windowCells(settings, [row, column]);
    inputs.forEach((rect) => rect.classList.remove("lit"));
    lit.forEach((at) => inputs.get(at.join()).classList.add("lit"));
    outputs.forEach((rect, at) => {
      rect.classList.toggle("lit", at === index);
      rect.classList.toggle("done", at < index);
    });
    const top = (inputTop + lit[0][0] + settings.padding[0]) * CELL;
    const left = (inputLeft + lit[0][1] + settings.padding[1]) * CELL;
    const right = (inputLeft + lit.at(-1)[1] + settings.padding[1] + 1) * CELL;
    const [from, to, bottom] = [(outLeft + column) * CELL, (outLeft + column + 1) * CELL, (row + 1) * CELL];
    beam.setAttribute("points", `${from},${bottom} ${to},${bottom} ${right},${top} ${left},${top}`);
    return [row, column];
  };
  return { root, show, steps: out[0] * out[1] };
}

export function mount(area, data) {
  const arrangements = data.arrangements.map(complete);
  const drawings = arrangements.map(drawing);
  const total = Math.max(...drawings.map(({ steps }) => steps));
  const status = statusLine("cc-status visually-hidden");
  let [step, timer, seen] = [0, null, true];

  const draw = () => drawings.forEach(({ show, steps }) => show(step % steps));
  const move = (by) => {
    step = (step + by + total) % total;
    place.set(step + 1);
    draw();
  };
  const playing = () => timer !== null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
  };
  const start = () => {
    timer = setInterval(() => {
      if (seen) move(1);
    }, 750);
    play.textContent = "Pause";
  };
  const byHand = (by) => {
    stop();
    move(by);
    const first = arrangements[0];
    status.textContent = `Step ${step + 1} of ${total}. ${first.name}: output row ${Math.floor((step % drawings[0].steps) / first.output[1])}, column ${step % first.output[1]}.`;
  };

  const sections = arrangements.map((settings, index) =>
    element(
      "section",
      {},
      element("h3", {}, settings.name),
      drawings[index].root,
      element(
        "p",
        {},
        `${settings.input.join(" × ")} → ${settings.output.join(" × ")}`,
        element("br"),
        element("small", {}, formula(settings, 0)),
      ),
      button(
        "Enlarge",
        (event) => {
          const large = sections[index].classList.toggle("large");
          event.currentTarget.textContent = large ? "Smaller" : "Enlarge";
        },
        { "aria-label": `Enlarge or shrink: ${settings.name}` },
      ),
    ),
  );
  const play = button("Play", () => (playing() ? stop() : start()), { class: "cc-button strong cc-play" });
  const place = slider({
    label: "Step",
    min: 1,
    max: total,
    value: 1,
    change: (value) => {
      stop();
      step = value - 1;
      draw();
    },
  });
  area.append(
    element(
      "div",
      { class: "cc-controls" },
      play,
      button("Back", () => byHand(-1)),
      button("Step", () => byHand(1)),
      place.box,
    ),
    element("div", { class: "cc-arrangements" }, sections),
    element(
      "p",
      { class: "cc-legend" },
      key("in", "input"),
      key("pad", "padding (zeros)"),
      key("in lit", "under the kernel"),
      key("out lit", "the output it makes"),
    ),
    status,
  );
  draw();
  new IntersectionObserver(([entry]) => {
    seen = entry.isIntersecting;
  }).observe(area);
}

function key(kind, text) {
  return element(
    "span",
    {},
    svg(
      "svg",
      { width: CELL, height: CELL, "aria-hidden": "true" },
      svg("rect", { x: 1, y: 1, width: CELL - 2, height: CELL - 2, rx: 2, class: kind }),
    ),
    text,
  );
}
