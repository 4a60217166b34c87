// LeNet under glass: drag or draw a digit, see every map, the ten logits against the digit's place, and break things.
// Data: {images: [base64 of 784 bytes] of the digits 0 to 9, start}; the network comes with the page.

import { arrowStep, button, element, number, statusLine, svg } from "./lib.js";
import { conv2d, load, maxPool2d, relu, softmax, tensor } from "./nn.js";
import { SIDE, asDrawn, drawRow, sheet } from "./sheet.js";
import { lenet_mnist } from "./networks/lenet_mnist.js";

const LARGE = 64; // pixels along each side of the canvas that the head as a convolution can read
const ON_GRID = -2; // moved so from the middle of the canvas, a digit lies where the head looks, every fourth pixel
const REACH = 12; // the curves show this many columns to either side
const [WIDE, HIGH, EDGE] = [320, 190, 26]; // of the drawing of the curves, and its margin

// The pixels of one digit [784], moved, on a square of `side` pixels. A digit that is not moved lies in the middle.
export function placed(image, side, down, right) {
  const canvas = new Float32Array(side * side);
  const margin = (side - SIDE) / 2;
  for (let row = 0; row < SIDE; row++) {
    const to = row + margin + down;
    if (to < 0 || to >= side) continue;
    for (let column = 0; column < SIDE; column++) {
      const at = column + margin + right;
      if (at >= 0 && at < side) canvas[to * side + at] = image[row * SIDE + column];
    }
  }
  return canvas;
}

// An order of `count` places that looks random and is the same every time.
export function shuffled(count) {
  const order = Array.from({ length: count }, (_, at) => at);
  let state = 1;
  for (let at = count - 1; at > 0; at--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = state % (at + 1);
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

const ORDER = shuffled(SIDE * SIDE);

// The linear layers as convolutions: the first has kernels as large as the maps before it, the others of 1 x 1.
export function asConvolutions(layers, channels) {
  return layers.map((layer) => {
    if (layer.kind !== "linear") return layer;
    const [outputs, inputs] = layer.weight.shape;
    const size = Math.sqrt(inputs / channels);
    channels = outputs;
    return { ...layer, kind: "conv2d", weight: tensor([outputs, inputs / size ** 2, size, size], layer.weight.data) };
  });
}

// What leaves each layer for an image [1, H, W], with what is broken: no ReLU, pixels in another order, or the channels
// in reverse before the second convolution.
export function through(layers, image, broken) {
  let values = image;
  if (broken.pixels)
    values = tensor(
      image.shape,
      image.data.map((_, at) => image.data[ORDER[at]]),
    );
  const outputs = [];
  let convolutions = 0;
  for (const layer of layers) {
    if (layer.kind === "conv2d") {
      if (broken.channels && ++convolutions === 2) values = reversed(values);
      values = conv2d(values, layer.weight, layer.bias, layer);
    } else if (layer.kind === "maxPool2d") values = maxPool2d(values, layer);
    else if (layer.kind === "relu") values = broken.relu ? values : relu(values);
    else
      values = tensor(
        values.shape,
        values.data.map((value) => (value - layer.mean) / layer.std),
      );
    outputs.push(values);
  }
  return outputs;
}

function reversed(x) {
  const size = x.shape[1] * x.shape[2];
  const y = tensor(x.shape);
  for (let c = 0; c < x.shape[0]; c++)
    y.data.set(x.data.subarray(c * size, (c + 1) * size), (x.shape[0] - 1 - c) * size);
  return y;
}

const bestOf = (values) => values.indexOf(Math.max(...values));

export function mount(area, data) {
  const layers = asConvolutions(load(lenet_mnist), 16);
  const stages = layers.flatMap(({ kind }, at) => (kind === "relu" || kind === "maxPool2d" ? [at] : [])).slice(0, 4);
  const images = data.images.map((packed) =>
    Float32Array.from(atob(packed), (character) => character.charCodeAt(0) / 255),
  );
  const fresh = () => ({ digit: data.start, lines: [], down: 0, right: 0, broken: {}, large: false, drawing: false });
  let [state, task, curves] = [fresh(), 0, new Map()];
  let logits = [];

  const pad = element("canvas", {
    class: "cc-sheet",
    tabindex: 0,
    role: "application",
    "aria-label": "The digit. Drag it, or use the arrow keys; 0 to 9 pick one.",
  });
  const rows = stages.map(() => element("canvas", { class: "cc-maps", role: "img" }));
  const captions = stages.map(() => element("p", { class: "cc-small" }));
  const fills = Array.from({ length: 10 }, () => element("span", { class: "cc-fill" }));
  const shown = Array.from({ length: 10 }, () => element("span", { class: "cc-value" }));
  const bars = element(
    "ol",
    { class: "cc-bars", "aria-label": "The ten logits, and the share that softmax makes of each" },
    fills.map((fill, digit) =>
      element("li", {}, String(digit), element("span", { class: "cc-track" }, fill), shown[digit]),
    ),
  );
  const lines = Array.from({ length: 10 }, () => svg("polyline", { class: "cc-curve" }));
  const names = Array.from({ length: 10 }, (_, digit) => svg("text", { x: WIDE - EDGE + 4 }, String(digit)));
  const marker = svg("line", { class: "cc-marker", y1: 4, y2: HIGH - EDGE });
  const zero = svg("line", { class: "cc-axis", x1: EDGE, x2: WIDE - EDGE });
  const chart = svg(
    "svg",
    {
      class: "cc-curves",
      viewBox: `0 0 ${WIDE} ${HIGH}`,
      role: "img",
      "aria-label": "The ten logits against how many columns the digit is moved",
    },
    zero,
    lines,
    marker,
    names,
    [-REACH, -6, 0, 6, REACH].map((column) =>
      svg("text", { x: across(column), y: HIGH - 8, class: "cc-tick" }, number(column)),
    ),
  );
  const heat = element("div", {
    class: "cc-heat",
    role: "table",
    "aria-label": "The likeliest digit at each of 10 by 10 places",
  });
  const status = statusLine();
  const side = () => (state.large ? LARGE : SIDE);
  const image = () =>
    state.lines.length ? asDrawn(sheet({ lines: state.lines, down: 0, right: 0 })) : images[state.digit];

  function across(column) {
    return EDGE + ((column + REACH) / (2 * REACH)) * (WIDE - 2 * EDGE);
  }
  function run(down, right) {
    const canvas = placed(image(), side(), down, right);
    return through(layers, tensor([1, side(), side()], canvas), state.broken);
  }

  // The whole figure for the digit where it is. The curves fill up in the pauses afterwards, the nearest places first.
  function update() {
    const outputs = run(state.down, state.right);
    drawRow(pad, tensor([1, side(), side()], placed(image(), side(), state.down, state.right)), 1);
    stages.forEach((at, stage) => {
      const maps = outputs[at];
      const [low, high] = maps.data.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [0, 1e-9]);
      drawRow(
        rows[stage],
        low < 0
          ? tensor(
              maps.shape,
              maps.data.map((value) => value - low),
            )
          : maps,
        high - low,
      );
      captions[stage].textContent =
        `${maps.shape.join(" × ")} after ${["ReLU", "pooling"][stage % 2]} ${stage < 2 ? 1 : 2}`;
      rows[stage].setAttribute("aria-label", `Maps, ${captions[stage].textContent}`);
    });
    const scores = outputs.at(-1);
    heat.hidden = !state.large;
    bars.hidden = chart.toggleAttribute("hidden", state.large);
    if (state.large) showHeat(scores);
    else showLogits(Array.from(scores.data));
  }

  function showLogits(found) {
    logits = found;
    curves.set(state.right, found);
    const shares = Array.from(softmax(tensor([10], Float32Array.from(found))).data);
    const best = bestOf(found);
    const right = state.lines.length || best === state.digit;
    fills.forEach((fill, digit) => {
      fill.style.width = `${100 * shares[digit]}%`;
      fill.parentNode.parentNode.className = digit === best ? `best ${right ? "right" : "wrong"}` : "";
      shown[digit].textContent = number(found[digit], 1);
    });
    const what = state.lines.length ? "Your drawing" : `The ${state.digit}`;
    const moved = [
      [state.down, "down", "up"],
      [state.right, "right", "left"],
    ]
      .filter(([by]) => by)
      .map(([by, more, less]) => `${Math.abs(by)} ${by > 0 ? more : less}`)
      .join(", ");
    status.textContent = `${what}${moved ? `, moved ${moved},` : ""} is read as ${best} (${(100 * shares[best]).toFixed(1)} %)${right ? "." : ": wrong."}`;
    drawCurves();
    clearTimeout(task);
    task = setTimeout(fillCurves, 30);
  }

  function fillCurves() {
    const missing = Array.from({ length: 2 * REACH + 1 }, (_, at) => at - REACH).filter(
      (column) => !curves.has(column),
    );
    if (!missing.length || state.large) return;
    const nearest = missing.reduce((a, b) => (Math.abs(b - state.right) < Math.abs(a - state.right) ? b : a));
    curves.set(nearest, Array.from(run(state.down, nearest).at(-1).data));
    drawCurves();
    task = setTimeout(fillCurves, 4);
  }

  function drawCurves() {
    const columns = [...curves.keys()].filter((column) => Math.abs(column) <= REACH).sort((a, b) => a - b);
    const all = columns.flatMap((column) => curves.get(column));
    const [low, high] = [Math.min(0, ...all), Math.max(1, ...all)];
    const up = (value) => 6 + ((high - value) / (high - low)) * (HIGH - EDGE - 10);
    const best = bestOf(logits);
    lines.forEach((line, digit) => {
      const right = state.lines.length ? best : state.digit;
      const role = digit === right ? "right" : digit === best ? "wrong" : "";
      line.setAttribute(
        "points",
        columns.map((column) => `${across(column)},${up(curves.get(column)[digit]).toFixed(1)}`).join(" "),
      );
      line.setAttribute("class", `cc-curve ${role}`);
      names[digit].setAttribute("y", columns.length ? up(curves.get(columns.at(-1))[digit]) + 4 : HIGH);
      names[digit].setAttribute("class", role || "cc-none"); // ten names would hide each other
    });
    zero.setAttribute("y1", up(0));
    zero.setAttribute("y2", up(0));
    const here = across(Math.max(-REACH, Math.min(REACH, state.right)));
    marker.setAttribute("x1", here);
    marker.setAttribute("x2", here);
  }

  function showHeat(scores) {
    const [, height, width] = scores.shape;
    const cells = Array.from({ length: height * width }, (_, at) => {
      const shares = softmax(
        tensor(
          [10],
          Float32Array.from({ length: 10 }, (_, digit) => scores.data[digit * height * width + at]),
        ),
      ).data;
      const best = bestOf(Array.from(shares));
      return { best, share: shares[best] };
    });
    heat.replaceChildren(
      ...Array.from({ length: height }, (_, row) =>
        element(
          "div",
          { role: "row" },
          cells
            .slice(row * width, (row + 1) * width)
            .map(({ best, share }) =>
              element(
                "span",
                { role: "cell", class: share > 0.5 ? "sure" : "", style: `--share:${share.toFixed(3)}` },
                String(best),
              ),
            ),
        ),
      ),
    );
    const sure = cells.filter(({ share }) => share > 0.9);
    const right = sure.filter(({ best }) => best === state.digit).length;
    status.textContent = `At ${sure.length} of ${cells.length} places the network is more than 90 % sure of a digit; at ${right} of them it says ${state.digit}.`;
  }

  // Every change comes here; what the curves show is forgotten when it no longer holds.
  function change(next) {
    const keep = ["digit", "lines", "down", "broken", "large"].every((key) => (next[key] ?? state[key]) === state[key]);
    state = { ...state, ...next };
    if (!keep) curves = new Map();
    thumbs.forEach((thumb, digit) =>
      thumb.setAttribute("aria-pressed", String(digit === state.digit && !state.lines.length)),
    );
    update();
  }
  const limit = (value) => {
    const far = state.large ? (LARGE - SIDE) / 2 + 8 : REACH;
    return Math.max(-far, Math.min(far, value));
  };
  const move = (down, right) => change({ down: limit(state.down + down), right: limit(state.right + right) });

  let held = null;
  let frame = 0;
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) * side()) / box.width, ((event.clientY - box.top) * side()) / box.height];
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || held) return;
    event.preventDefault();
    pad.focus({ preventScroll: true });
    pad.setPointerCapture(event.pointerId);
    held = { start: place(event), from: state, line: [place(event)] };
  });
  pad.addEventListener("pointermove", (event) => {
    if (!held) return;
    const [x, y] = place(event);
    held.line.push([x, y]);
    held.at = [x, y];
    frame ||= requestAnimationFrame(follow); // once per picture, however many events there are
  });
  function follow() {
    frame = 0;
    if (!held?.at) return;
    if (state.drawing && !state.large) {
      change({ lines: [...held.from.lines, [...held.line]], down: 0, right: 0 });
      return;
    }
    const by = (now, start, from) => limit(from + Math.round(now - start));
    change({
      down: by(held.at[1], held.start[1], held.from.down),
      right: by(held.at[0], held.start[0], held.from.right),
    });
  }
  for (const name of ["pointerup", "pointercancel"]) {
    pad.addEventListener(name, () => {
      if (frame) {
        cancelAnimationFrame(frame);
        follow();
      }
      held = null;
    });
  }
  pad.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    if (step) move(...step);
    else if (/^[0-9]$/.test(event.key)) change({ digit: Number(event.key), lines: [] });
    else return;
    event.preventDefault();
  });

  const thumbs = images.map((pixels, digit) => {
    const small = element("canvas", { "aria-hidden": "true" });
    drawRow(small, tensor([1, SIDE, SIDE], pixels), 1);
    return button(small, () => change({ digit, lines: [] }), { class: "cc-thumb", "aria-label": `Pick a ${digit}` });
  });
  const tick = (text, get, set) => {
    const box = element("input", { type: "checkbox", role: "switch", onchange: () => change(set(box.checked)) });
    return { box, label: element("label", { class: "cc-switch" }, box, ` ${text}`), get };
  };
  const breaking = (text, key) =>
    tick(
      text,
      () => Boolean(state.broken[key]),
      (on) => ({ broken: { ...state.broken, [key]: on } }),
    );
  const switches = [
    breaking("no ReLU", "relu"),
    breaking("pixels shuffled", "pixels"),
    breaking("channels reversed", "channels"),
    tick(
      "canvas of 64 × 64",
      () => state.large,
      (large) => ({
        large,
        lines: [],
        down: large ? ON_GRID : 0,
        right: large ? ON_GRID : 0,
        broken: { ...state.broken, pixels: false },
      }),
    ),
  ];
  const draw = tick(
    "draw",
    () => state.drawing,
    (drawing) => ({ drawing }),
  );
  const settle = () =>
    [...switches, draw].forEach(({ box, get }) => {
      box.checked = get();
    });
  for (const { box } of switches) {
    box.addEventListener("change", () => {
      switches[1].box.disabled = draw.box.disabled = state.large;
      settle();
    });
  }
  const reset = () => {
    curves = new Map();
    change(fresh());
    switches[1].box.disabled = draw.box.disabled = false;
    settle();
  };

  area.append(
    element("div", { class: "cc-thumbs", role: "group", "aria-label": "Digits to pick from" }, thumbs),
    element(
      "div",
      { class: "cc-desk" },
      element(
        "div",
        { class: "cc-side" },
        pad,
        element(
          "div",
          { class: "cc-under" },
          draw.label,
          button("Clear", () => change({ lines: [], down: 0, right: 0 })),
          button("Start again", reset),
        ),
      ),
      element("div", { class: "cc-readers" }, chart, bars, heat),
    ),
    status,
    element(
      "div",
      { class: "cc-controls", role: "group", "aria-label": "What to break" },
      switches.map(({ label }) => label),
    ),
    ...stages.flatMap((_, stage) => [captions[stage], rows[stage]]),
  );
  change({});
}
