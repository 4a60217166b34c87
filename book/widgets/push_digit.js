// Push a digit under the windows of pooling layers, and watch by how much each map changes.
// Data: {images: [[28 rows of 28 values, 0-255]], labels, start: [down, right]}

import { arrowStep, button, choice, drawGray, element, number, reducedMotion, statusLine, svg } from "./lib.js";

const [SIDE, SHEET, FAR] = [28, 64, 8]; // a digit; its sheet, a multiple of 8 with room for blurs; how far it can be pushed

// The digit on an empty sheet, pushed down and right of the middle by whole pixels.
export function onSheet(image, down, right) {
  const sheet = Array.from({ length: SHEET }, () => new Array(SHEET).fill(0));
  const margin = (SHEET - SIDE) / 2;
  image.forEach((row, r) =>
    row.forEach((value, c) => {
      sheet[r + margin + down][c + margin + right] = value;
    }),
  );
  return sheet;
}

// One number for each window of 2 x 2 next to the other, by its four values.
function halve(map, rule) {
  return Array.from({ length: map.length / 2 }, (_, i) =>
    Array.from({ length: map[0].length / 2 }, (_, j) =>
      rule(map[2 * i][2 * j], map[2 * i][2 * j + 1], map[2 * i + 1][2 * j], map[2 * i + 1][2 * j + 1]),
    ),
  );
}

// The largest of 2 x 2 at every place, blurred by [1 2 1] / 4 both ways, then every second value. Around the map is 0.
function maxThenBlur(map) {
  const [rows, columns] = [map.length, map[0].length];
  const at = (r, c) => (r < 0 || c < 0 || r >= rows || c >= columns ? 0 : map[r][c]);
  const largest = Array.from({ length: rows + 1 }, (_, r) =>
    Array.from({ length: columns + 1 }, (_, c) => Math.max(at(r - 1, c - 1), at(r - 1, c), at(r, c - 1), at(r, c))),
  ); // one row and column earlier than the map's
  const weights = [0.25, 0.5, 0.25];
  const blurred = (r, c) => {
    let sum = 0;
    for (let u = 0; u < 3; u++)
      for (let v = 0; v < 3; v++) sum += weights[u] * weights[v] * (largest[r + u]?.[c + v] ?? 0);
    return sum;
  };
  return Array.from({ length: rows / 2 }, (_, i) =>
    Array.from({ length: columns / 2 }, (_, j) => blurred(2 * i, 2 * j)),
  );
}

export const POOLS = {
  "every second value": (map) => halve(map, (a) => a),
  average: (map) => halve(map, (a, b, c, d) => (a + b + c + d) / 4),
  max: (map) => halve(map, Math.max),
  "max, then blur": maxThenBlur,
};

// The maps of one sheet after `layers` layers of each pooling, by name.
export function pooled(sheet, layers) {
  return Object.fromEntries(
    Object.entries(POOLS).map(([name, pool]) => {
      let map = sheet;
      for (let layer = 0; layer < layers; layer++) map = pool(map);
      return [name, map];
    }),
  );
}

// The length of the difference per length of `before`; `after` is first moved back by whole places.
export function change(before, after, [down, right] = [0, 0]) {
  let [difference, length] = [0, 0];
  before.forEach((row, r) =>
    row.forEach((value, c) => {
      difference += ((after[r + down]?.[c + right] ?? 0) - value) ** 2;
      length += value ** 2;
    }),
  );
  return Math.sqrt(difference / length);
}

// The same after moving the map back by as many places as fit the push best: `period` pixels make one place.
export function changeMovedBack(before, after, pushed, period) {
  const [rows, columns] = pushed.map((pixels) => [
    ...new Set([Math.floor(pixels / period), Math.ceil(pixels / period)]),
  ]);
  return Math.min(...rows.flatMap((down) => columns.map((right) => change(before, after, [down, right]))));
}

const SHOWN = (3 / 4) * SHEET; // pixels of the sheet that are shown; around them it stays empty
const middle = (map) =>
  map.slice(map.length / 8, -map.length / 8).map((row) => row.slice(row.length / 8, -row.length / 8));
const PUSHES = Array.from({ length: 2 * FAR + 1 }, (_, n) => n - FAR);
const [WIDE, HIGH, LEFT, BOTTOM, TOP] = [340, 220, 48, 40, 1.5]; // of the chart, in pixels; the largest change it shows
const across = (push) => LEFT + ((push + FAR) / (2 * FAR)) * (WIDE - LEFT - 12);
const height = (value) => HIGH - BOTTOM - (Math.min(value, TOP) / TOP) * (HIGH - BOTTOM - 10);
const percent = (share, digits = 1) => `${number(100 * share, digits)}\u00a0%`;
const mean = (map) => map.flat().reduce((sum, value) => sum + value, 0) / map.flat().length;
const text = (x, y, words, more = {}) => svg("text", { x, y, "text-anchor": "middle", ...more }, words);

export function mount(area, data) {
  const names = Object.keys(POOLS);
  let [chosen, layers, back, along, timer] = [0, 1, false, 1, 0];
  let at = [...data.start]; // rows down, columns right
  let [visited, seen, waiting] = [new Set(), new Map(), 0]; // places as "down,right"; the changes known there
  let rest; // the maps of the digit in the middle

  const canvas = element("canvas", {
    tabindex: 0,
    role: "application",
    "aria-label": "The digit under the windows. Arrow keys push it by one pixel.",
  });
  const windows = svg("svg", {
    viewBox: `${SHEET / 8} ${SHEET / 8} ${SHOWN} ${SHOWN}`,
    class: "cc-windows",
    "aria-hidden": "true",
  });
  const maps = names.map((name, index) => {
    const picture = element("canvas", { role: "img", "aria-label": `The map of ${name}` });
    const value = element("b", {});
    return {
      picture,
      value,
      box: element(
        "div",
        { class: `cc-map cc-line-${index}` },
        picture,
        element("p", { class: "cc-small" }, element("span", { class: "cc-key" }), `${name} `, value),
      ),
    };
  });
  const lines = names.map((_, index) => svg("polyline", { class: `cc-change cc-line-${index}` }));
  const dots = names.map((_, index) => svg("circle", { r: 4.5, class: `cc-at cc-line-${index}` }));
  const marks = svg("g");
  const cursor = svg("line", { class: "cc-rule", y1: 8, y2: HIGH - BOTTOM });
  const title = text((WIDE + LEFT) / 2, HIGH - 4, "");
  const chart = svg(
    "svg",
    { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": "The change of each map against the push" },
    [0, 0.5, 1, 1.5].map((value) =>
      svg(
        "g",
        {},
        svg("line", { class: "cc-rule", x1: LEFT, x2: WIDE - 12, y1: height(value), y2: height(value) }),
        text(LEFT - 6, height(value) + 4, `${100 * value}\u00a0%`, { "text-anchor": "end" }),
      ),
    ),
    Array.from({ length: FAR + 1 }, (_, n) => text(across(2 * n - FAR), HIGH - BOTTOM + 17, number(2 * n - FAR))),
    cursor,
    marks,
    title,
    lines,
    dots,
  );
  const status = statusLine();

  function look(down, right) {
    const found = pooled(onSheet(data.images[chosen], down, right), layers);
    return names.map((name) =>
      back ? changeMovedBack(rest[name], found[name], [down, right], 2 ** layers) : change(rest[name], found[name]),
    );
  }

  function know(place) {
    if (!seen.has(place)) seen.set(place, look(...place.split(",").map(Number)));
    return seen.get(place);
  }

  function draw() {
    const sheet = onSheet(data.images[chosen], ...at);
    const found = pooled(sheet, layers);
    visited.add(String(at));
    const changes = know(String(at));
    drawGray(canvas, middle(sheet));
    names.forEach((name, index) => {
      drawGray(maps[index].picture, middle(found[name]));
      maps[index].value.textContent = `${percent(changes[index], 0)}`;
    });
    // The line follows the direction of the last push: what was seen there so far, with the other direction as it is.
    const place = (push) => String(along ? [at[0], push] : [push, at[1]]);
    const here = PUSHES.filter((push) => visited.has(place(push)));
    const unknown = here.filter((push) => !seen.has(place(push)));
    unknown.slice(0, 3).forEach((push) => know(place(push))); // a few in each frame, so that none takes long
    cancelAnimationFrame(waiting);
    if (unknown.length > 3) waiting = requestAnimationFrame(draw);
    const pushes = here.filter((push) => seen.has(place(push)));
    lines.forEach((line, index) =>
      line.setAttribute(
        "points",
        pushes.map((push) => `${across(push)},${height(seen.get(place(push))[index])}`).join(" "),
      ),
    );
    dots.forEach((dot, index) => {
      dot.setAttribute("cx", across(at[along]));
      dot.setAttribute("cy", height(changes[index]));
    });
    cursor.setAttribute("x1", across(at[along]));
    cursor.setAttribute("x2", across(at[along]));
    title.textContent = along ? "columns pushed to the right" : "rows pushed down";
    const words = [
      [at[0], "down", "up"],
      [at[1], "to the right", "to the left"],
    ]
      .filter(([pixels]) => pixels)
      .map(([pixels, plus, minus]) => `${Math.abs(pixels)} ${pixels > 0 ? plus : minus}`)
      .join(" and ");
    status.textContent = `${words ? `Pushed ${words}` : "Not pushed"}${back ? ", each map moved back" : ""}: ${names.map((name, index) => `${name} ${percent(changes[index])}`).join(", ")}; mean of the whole sheet ${percent(Math.abs(mean(sheet) / mean(onSheet(data.images[chosen], 0, 0)) - 1))}.`;
  }

  // Other maps: what was known of the places is known no longer.
  function anew() {
    stop();
    rest = pooled(onSheet(data.images[chosen], 0, 0), layers);
    seen = new Map();
    const size = 2 ** layers;
    const steps = Array.from({ length: SHEET / size - 1 }, (_, n) => (n + 1) * size);
    windows.replaceChildren(
      ...steps.flatMap((step) => [
        svg("line", { x1: step, x2: step, y1: 0, y2: SHEET }),
        svg("line", { y1: step, y2: step, x1: 0, x2: SHEET }),
      ]),
    );
    marks.replaceChildren(
      ...PUSHES.filter((push) => push % size === 0).map((push) =>
        svg("line", {
          class: "cc-multiple",
          x1: across(push),
          x2: across(push),
          y1: HIGH - BOTTOM,
          y2: HIGH - BOTTOM + 6,
        }),
      ),
    );
    draw();
  }

  function push(down, right) {
    const clamp = (value) => Math.max(-FAR, Math.min(FAR, value));
    if (down !== 0 || right !== 0) along = Math.abs(right) >= Math.abs(down) ? 1 : 0;
    at = [clamp(at[0] + down), clamp(at[1] + right)];
    draw();
  }

  // From one end to the other, a pixel at a time; at once for who wants no motion.
  function sweep() {
    if (timer) return stop();
    at[along] = reducedMotion() ? FAR : -FAR;
    if (reducedMotion()) PUSHES.forEach((push) => visited.add(String(along ? [at[0], push] : [push, at[1]])));
    draw();
    if (reducedMotion()) return undefined;
    play.textContent = "Stop";
    timer = setInterval(() => {
      push(1 - along, along);
      if (at[along] === FAR) stop();
    }, 220);
    return undefined;
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Push it through";
  }

  canvas.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    if (step) {
      event.preventDefault();
      stop();
      push(...step);
    }
  });
  let held = null; // where the pointer took the digit
  canvas.addEventListener("pointerdown", (event) => {
    stop();
    held = [event.clientY, event.clientX];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => {
    held = null;
  });
  canvas.addEventListener("pointercancel", () => {
    held = null;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    const pixel = canvas.getBoundingClientRect().width / SHOWN;
    const [down, right] = [
      Math.trunc((event.clientY - held[0]) / pixel),
      Math.trunc((event.clientX - held[1]) / pixel),
    ];
    if (!down && !right) return;
    held = [held[0] + down * pixel, held[1] + right * pixel];
    push(down, right);
  });

  const thumbs = data.images.map((image, index) => {
    const small = element("canvas", { "aria-hidden": "true" });
    drawGray(small, image);
    return button(
      small,
      () => {
        chosen = index;
        thumbs.forEach((thumb, other) => thumb.setAttribute("aria-pressed", String(other === index)));
        anew();
      },
      { class: "cc-thumb", "aria-label": `Take a ${data.labels[index]}`, "aria-pressed": String(index === 0) },
    );
  });
  const play = button("Push it through", sweep, { class: "cc-button strong" });
  const depth = choice({
    label: "Layers",
    options: [
      ["1", "1, stride 2"],
      ["2", "2, stride 4 in all"],
      ["3", "3, stride 8 in all"],
    ],
    value: "1",
    change: (value) => {
      layers = Number(value);
      anew();
    },
  });
  const compare = choice({
    label: "Compare",
    options: [
      ["as it is", "the map as it is"],
      ["back", "the map moved back"],
    ],
    value: "as it is",
    change: (value) => {
      back = value === "back";
      anew();
    },
  });
  const arrow = (sign, name, down, right) =>
    button(
      sign,
      () => {
        stop();
        push(down, right);
      },
      { "aria-label": `Push ${name}`, class: `cc-button cc-${name}` },
    );
  const again = button("Start again", () => {
    [layers, back, along, at] = [1, false, 1, [...data.start]];
    [depth.select.value, compare.select.value] = ["1", "as it is"];
    begin();
  });
  // It opens with the digit in the middle and one push.
  function begin() {
    visited = new Set(["0,0", String(data.start)]);
    anew();
  }

  area.append(
    element(
      "div",
      { class: "cc-controls" },
      element("div", { class: "cc-thumbs", role: "group", "aria-label": "Digits to choose from" }, thumbs),
      play,
      again,
      depth.box,
      compare.box,
    ),
    element(
      "div",
      { class: "cc-panels" },
      element(
        "div",
        { class: "cc-pad" },
        arrow("↑", "up", -1, 0),
        arrow("←", "left", 0, -1),
        element("div", { class: "cc-under-windows" }, canvas, windows),
        arrow("→", "right", 0, 1),
        arrow("↓", "down", 1, 0),
      ),
      element(
        "div",
        { class: "cc-pooled" },
        maps.map(({ box }) => box),
      ),
    ),
    element(
      "div",
      { class: "cc-panels" },
      element(
        "div",
        { class: "cc-changes" },
        element("p", { class: "cc-small" }, "Change of each map, as a share of its length"),
        chart,
      ),
      status,
    ),
  );
  begin();
}
