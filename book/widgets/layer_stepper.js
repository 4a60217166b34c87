// A convolution layer, one output value at a time: the window in every input channel, each filter's slices, the products,
// their sums, the plus sign and the bias. Small inputs are shown as numbers, large ones as pictures.
// Data: a scene {input: [C][H][W], weight: [K][C][kh][kw], bias: [K], stride, padding, scale, start: [k, row, column]}, or
// {scenes: [a scene with a name, ...]}. Input values are divided by `scale`, so that pictures can come as whole numbers.

import {
  arrowStep,
  button,
  choice,
  drawGray,
  drawSigned,
  element,
  number,
  onThemeChange,
  outputSize,
  pair,
  signsLegend,
  statusLine,
} from "./lib.js";

const LARGE = 10; // a plane with more columns than this is a picture

// One output value in pieces: for each channel its products {x, w, inside} row by row and their sum; and the total.
export function outputValue(data, k, row, column) {
  const [stride, padding] = [pair(data.stride ?? 1), pair(data.padding ?? 0)];
  const channels = data.weight[k].map((kernel, c) => {
    const products = kernel.flatMap((line, u) =>
      line.map((w, v) => {
        const [r, q] = [row * stride[0] - padding[0] + u, column * stride[1] - padding[1] + v];
        const x = data.input[c][r]?.[q];
        return { x: x === undefined ? 0 : x / (data.scale ?? 1), w, at: [r, q], inside: x !== undefined };
      }),
    );
    return { products, sum: products.reduce((sum, { x, w }) => sum + x * w, 0) };
  });
  return { channels, total: channels.reduce((sum, channel) => sum + channel.sum, data.bias[k]) };
}

// The output's height and width.
export function outputShape(data) {
  const [stride, padding] = [pair(data.stride ?? 1), pair(data.padding ?? 0)];
  const [input, kernel] = [data.input[0], data.weight[0][0]];
  return [
    outputSize(input.length, kernel.length, stride[0], padding[0]),
    outputSize(input[0].length, kernel[0].length, stride[1], padding[1]),
  ];
}

const signed = (value) => (value < 0 ? `(${number(value)})` : number(value));
const clamp = (value, size) => Math.min(size - 1, Math.max(0, value));

// An outline over a plane of rows x columns cells: show(top, left, height, width) moves it.
function outlined(caption, node, rows, cols) {
  const outline = element("span", { class: "cc-outline", "aria-hidden": "true", hidden: true });
  return {
    box: element("div", { class: "cc-plane" }, caption, element("div", { class: "cc-framed" }, node, outline)),
    show(top, left, height, width) {
      for (const [side, value] of [
        ["left", left / cols],
        ["top", top / rows],
        ["width", width / cols],
        ["height", height / rows],
      ])
        outline.style[side] = `${100 * value}%`;
      outline.hidden = !height;
    },
  };
}

// A grid of numbers. kindOf(r, c) is a cell's class.
function numberPlane(words, rows, kindOf) {
  const cells = rows.map((line, r) => line.map((_, c) => element("td", { class: kindOf(r, c) })));
  const caption = element("p", { class: "cc-small" }, words);
  const table = element(
    "table",
    { class: "cc-grid" },
    element(
      "tbody",
      {},
      cells.map((line) => element("tr", {}, line)),
    ),
  );
  const fill = (values, renamed = words) => {
    caption.textContent = renamed;
    table.setAttribute("aria-label", renamed);
    values.forEach((line, r) =>
      line.forEach((value, c) => {
        cells[r][c].textContent = number(value);
      }),
    );
  };
  fill(rows);
  return { ...outlined(caption, table, rows.length, rows[0].length), fill };
}

function picturePlane(words, rows, cols, attributes) {
  const canvas = element("canvas", attributes);
  return { ...outlined(element("p", { class: "cc-small" }, words), canvas, rows, cols), canvas };
}

// Everything that is drawn of one scene. moved(k, row, column) is told where the reader points.
function build(scene, moved) {
  const [height, width] = outputShape(scene);
  const [stride, padding] = [pair(scene.stride ?? 1), pair(scene.padding ?? 0)];
  const [kh, kw] = [scene.weight[0][0].length, scene.weight[0][0][0].length];
  const [rows, cols] = [scene.input[0].length, scene.input[0][0].length];
  const large = cols > LARGE;
  const padded = scene.input.map((channel) =>
    Array.from({ length: rows + 2 * padding[0] }, (_, r) =>
      Array.from(
        { length: cols + 2 * padding[1] },
        (_, q) => (channel[r - padding[0]]?.[q - padding[1]] ?? 0) / (scene.scale ?? 1),
      ),
    ),
  );
  const isPad = (r, q) => r < padding[0] || q < padding[1] || r >= rows + padding[0] || q >= cols + padding[1];
  const names = scene.channels ?? scene.input.map((_, c) => `channel ${c}`);
  const sums = scene.weight.map((filter, k) =>
    scene.input.map((_, c) =>
      Array.from({ length: height }, (_, i) =>
        Array.from({ length: width }, (_, j) => outputValue(scene, k, i, j).channels[c].sum),
      ),
    ),
  );
  const totals = sums.map((maps, k) =>
    maps[0].map((line, i) => line.map((_, j) => scene.bias[k] + maps.reduce((sum, map) => sum + map[i][j], 0))),
  );

  const inputs = padded.map((channel, c) =>
    large
      ? picturePlane(`input, ${names[c]}`, channel.length, channel[0].length, {
          role: "img",
          "aria-label": `Input, ${names[c]}`,
        })
      : numberPlane(`input, ${names[c]}`, channel, (r, q) => (isPad(r, q) ? "pad" : "in")),
  );
  const slices = scene.input.map((_, c) => numberPlane(`slice ${c}`, scene.weight[0][c], () => "kernel"));
  const products = scene.input.map((_, c) => numberPlane("products", scene.weight[0][c], () => ""));
  const maps = large
    ? scene.input.map((_, c) =>
        picturePlane("all its sums", height, width, {
          role: "img",
          "aria-label": `The sums of the slice on ${names[c]}, at every place`,
        }),
      )
    : [];
  const results = scene.input.map(() => element("output", { class: "cc-part" }));
  const bias = element("p", { class: "cc-bias" });

  const outputs = scene.weight.map((_, k) => {
    const caption = `output channel ${k}`;
    if (large) {
      const plane = picturePlane(caption, height, width, {
        role: "application",
        tabindex: 0,
        "aria-label": `Output channel ${k}. Arrow keys move by one value, with Shift by ten.`,
      });
      const point = (event) => {
        const place = plane.canvas.getBoundingClientRect();
        moved(
          k,
          clamp(Math.floor(((event.clientY - place.top) / place.height) * height), height),
          clamp(Math.floor(((event.clientX - place.left) / place.width) * width), width),
        );
      };
      plane.canvas.addEventListener("pointermove", point);
      plane.canvas.addEventListener("pointerdown", point);
      return plane;
    }
    const cells = [];
    const table = element(
      "table",
      { class: "cc-grid cc-output" },
      element("caption", {}, caption),
      element(
        "tbody",
        {},
        totals[k].map((line, r) =>
          element(
            "tr",
            {},
            line.map((value, c) => {
              const cell = element(
                "button",
                {
                  type: "button",
                  onclick: () => moved(k, r, c),
                  onfocus: () => moved(k, r, c),
                  onpointerenter: () => moved(k, r, c),
                },
                number(value),
              );
              (cells[r] ??= [])[c] = cell;
              return element("td", {}, cell);
            }),
          ),
        ),
      ),
    );
    return { box: table, cells };
  });
  outputs.forEach(({ box, canvas, cells }, k) =>
    box.addEventListener("keydown", (event) => {
      const move = arrowStep(event);
      if (!move) return;
      event.preventDefault();
      const by = canvas && event.shiftKey ? 10 : 1;
      const at = here.k === k ? here : { row: 0, column: 0 };
      moved(k, clamp(at.row + by * move[0], height), clamp(at.column + by * move[1], width));
      if (cells) cells[here.row][here.column].focus();
    }),
  );
  const here = { k: 0, row: 0, column: 0 };

  function paint() {
    if (!large) return;
    padded.forEach((channel, c) =>
      drawGray(
        inputs[c].canvas,
        channel.map((line) => line.map((value) => 255 * value)),
      ),
    );
    sums[here.k].forEach((map, c) => drawSigned(maps[c].canvas, map));
    totals.forEach((map, k) => drawSigned(outputs[k].canvas, map));
  }

  // Show the pieces of one output value; the sentence that adds them up.
  function show(k, row, column) {
    const other = k !== here.k;
    Object.assign(here, { k, row, column });
    const { channels, total } = outputValue(scene, k, row, column);
    channels.forEach(({ products: parts, sum }, c) => {
      slices[c].fill(scene.weight[k][c], `filter ${k}, slice ${c}`);
      inputs[c].show(row * stride[0], column * stride[1], kh, kw);
      maps[c]?.show(row, column, 1, 1);
      products[c].fill(
        scene.weight[k][c].map((line, u) => line.map((_, v) => parts[u * kw + v].x * parts[u * kw + v].w)),
      );
      results[c].textContent = c ? `+ ${signed(sum)}` : number(sum);
    });
    bias.replaceChildren(
      "+ ",
      element("b", {}, signed(scene.bias[k])),
      " bias  =  ",
      element("b", { class: "cc-total" }, number(total)),
    );
    outputs.forEach(({ box, cells, show: outline }, index) => {
      box.classList.toggle("current", index === k);
      if (outline) outline(row, column, Number(index === k), Number(index === k));
      cells?.forEach((line, r) =>
        line.forEach((cell, q) => {
          const chosen = index === k && r === row && q === column;
          cell.classList.toggle("lit", chosen);
          cell.tabIndex = index === k ? (chosen ? 0 : -1) : r || q ? -1 : 0;
          cell.setAttribute("aria-label", `channel ${index}, row ${r}, column ${q}: ${cell.textContent}`);
          cell.setAttribute("aria-pressed", String(chosen));
        }),
      );
    });
    if (other && large) paint();
    const written = channels.map(({ sum }, c) => (c ? signed(sum) : number(sum)));
    return `output[${k}, ${row}, ${column}] = ${[...written, `${signed(scene.bias[k])} (bias)`].join(" + ")} = ${number(total)}`;
  }

  const lines = scene.input.map((_, c) =>
    element(
      "div",
      { class: "cc-line" },
      inputs[c].box,
      element("span", { class: "cc-sign", "aria-hidden": "true" }, "∗"),
      slices[c].box,
      element("span", { class: "cc-sign", "aria-hidden": "true" }, "="),
      products[c].box,
      element("span", { class: "cc-sum" }, element("small", {}, "sum"), results[c]),
      maps[c]?.box ?? "",
    ),
  );
  const box = element(
    "div",
    { class: `cc-layer ${large ? "cc-pictured" : "cc-counted"}` },
    element("div", { class: "cc-lines" }, lines, bias),
    element(
      "div",
      { class: "cc-outputs" },
      outputs.map((plane) => plane.box),
    ),
  );
  return { box, show, paint, height, width, filters: scene.weight.length, large };
}

export function mount(area, data) {
  const scenes = data.scenes ?? [data];
  const place = element("div");
  const status = statusLine();
  let [scene, k, row, column] = [null, 0, 0, 0];
  const go = (nextFilter, nextRow, nextColumn) => {
    [k, row, column] = [nextFilter, nextRow, nextColumn];
    status.textContent = scene.show(k, row, column);
    filter.select.value = String(k);
  };
  const advance = (by) => {
    const size = scene.height * scene.width;
    const at = (row * scene.width + column + by + size) % size;
    go(k, Math.floor(at / scene.width), at % scene.width);
  };
  const filter = choice({
    label: "Filter",
    options: ["0"],
    value: "0",
    change: (value) => go(Number(value), row, column),
  });
  const view = choice({
    label: "Input",
    options: scenes.map(({ name }, index) => [String(index), name ?? ""]),
    value: "0",
    change: (value) => open(Number(value)),
  });
  const legend = element("p", { class: "cc-legend" });

  function open(index) {
    scene = build(scenes[index], go);
    place.replaceChildren(scene.box);
    filter.select.replaceChildren(
      ...scenes[index].weight.map((_, number) => element("option", { value: String(number) }, String(number))),
    );
    filter.box.hidden = scene.filters === 1;
    legend.replaceChildren(
      element("span", {}, "Point at, tap or focus a value of the output; arrow keys move on."),
      scene.large ? signsLegend() : "",
    );
    scene.paint();
    go(...(scenes[index].start ?? [0, 0, 0]));
  }

  area.append(
    element(
      "div",
      { class: "cc-controls" },
      scenes.length > 1 ? view.box : "",
      filter.box,
      button("Back", () => advance(-1)),
      button("Next", () => advance(1), { class: "cc-button strong" }),
      button("Start again", () => open(Number(view.select.value))),
    ),
    place,
    status,
    legend,
  );
  open(0);
  onThemeChange(() => scene.paint());
}
