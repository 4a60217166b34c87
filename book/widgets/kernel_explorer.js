// Edit a kernel and see the filtered picture at once; point at any pixel of either picture for the nine products behind it.
// Data: {pictures: {name: {width, gray: base64 of bytes}}, kernels: {name: [[...]]}, start: [row, column]}

import {
  arrowStep,
  button,
  choice,
  drawGray,
  drawSigned,
  element,
  number,
  onThemeChange,
  signsLegend,
  statusLine,
} from "./lib.js";

const OWN = "own"; // the menus' entry for what is the reader's
const LARGEST = [240, 200]; // a picture of the reader's is made to fit: width, height

// Rows of 0..1 from bytes.
export function unpacked({ width, gray }) {
  const bytes = atob(gray);
  return Array.from({ length: bytes.length / width }, (_, r) =>
    Array.from({ length: width }, (_, c) => bytes.charCodeAt(r * width + c) / 255),
  );
}

// How far a kernel reaches above and to the left of its place. border: "valid", "zeros" or "replicate".
export function reach(kernel, border) {
  return border === "valid" ? [0, 0] : [(kernel.length - 1) >> 1, (kernel[0].length - 1) >> 1];
}

// One place in pieces, row by row: the pixel x, the weight w, and whether the pixel is one of the picture.
export function windowAt(image, kernel, border, row, column) {
  const [top, left] = reach(kernel, border);
  const clamp = (at, size) => Math.min(size - 1, Math.max(0, at));
  return kernel.map((weights, u) =>
    weights.map((w, v) => {
      const [r, c] = [row - top + u, column - left + v];
      const inside = image[r]?.[c] !== undefined;
      const x = border === "zeros" && !inside ? 0 : image[clamp(r, image.length)][clamp(c, image[0].length)];
      return { x, w, inside };
    }),
  );
}

// The picture with what lies around it as far as the kernel reaches.
function grown(image, kernel, border) {
  if (border === "valid") return image;
  const [top, left] = reach(kernel, border);
  const [below, right] = [kernel.length - 1 - top, kernel[0].length - 1 - left];
  const around = (values, before, after, blank) => [
    ...Array(before).fill(border === "zeros" ? blank : values[0]),
    ...values,
    ...Array(after).fill(border === "zeros" ? blank : values.at(-1)),
  ];
  const rows = image.map((row) => around(row, left, right, 0));
  return around(
    rows,
    top,
    below,
    rows[0].map(() => 0),
  );
}

// The whole result, one weight after the other. "valid" keeps only whole windows, the other two borders keep the picture's size.
export function correlate(image, kernel, border) {
  const around = grown(image, kernel, border);
  const [rows, columns] = [around.length - kernel.length + 1, around[0].length - kernel[0].length + 1];
  return Array.from({ length: rows }, (_, r) => {
    const sums = Array(columns).fill(0);
    kernel.forEach((weights, u) =>
      weights.forEach((weight, v) => {
        const row = around[r + u];
        if (weight) for (let c = 0; c < columns; c++) sums[c] += weight * row[c + v];
      }),
    );
    return sums;
  });
}

// How a result is shown where the reader does not say: by sign, as brightness, or stretched to between black and white.
export function viewFor(kernel) {
  const sum = kernel.flat().reduce((total, weight) => total + weight, 0);
  return Math.abs(sum) < 0.01 ? "signed" : Math.abs(sum - 1) < 0.3 ? "plain" : "stretched";
}

// "0.5 − 1 + 0 = −0.5"
export function written(products, total) {
  const parts = products.map((value, n) => {
    const text = number(Math.abs(value));
    const minus = number(value).startsWith("−");
    return n ? `${minus ? "−" : "+"} ${text}` : `${minus ? "−" : ""}${text}`;
  });
  return `${parts.join(" ")} = ${number(total)}`;
}

// A picture file as rows of 0..1, small enough to filter at every key. It goes nowhere but into this page.
async function grayOf(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST[0] / bitmap.width, LARGEST[1] / bitmap.height);
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(8, Math.round(side * scale)));
  const context = element("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return Array.from({ length: height }, (_, r) =>
    Array.from({ length: width }, (_, c) => {
      const at = 4 * (r * width + c);
      return (0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]) / 255;
    }),
  );
}

// A canvas under a caption, and an outline that show(top, left, height, width, rows, columns) moves over it.
function pane(caption, label) {
  const canvas = element("canvas", {
    role: "application",
    tabindex: 0,
    "aria-label": `${label} Arrow keys move the window by one pixel, with Shift by ten.`,
  });
  const outline = element("span", { class: "cc-outline", "aria-hidden": "true" });
  const show = (top, left, height, width, rows, columns) =>
    Object.assign(outline.style, {
      top: `${(100 * top) / rows}%`,
      left: `${(100 * left) / columns}%`,
      height: `${(100 * height) / rows}%`,
      width: `${(100 * width) / columns}%`,
    });
  return {
    canvas,
    show,
    box: element(
      "div",
      { class: "cc-plane" },
      element("p", { class: "cc-small" }, caption),
      element("div", { class: "cc-framed" }, canvas, outline),
    ),
  };
}

function table(caption, kind, fill = () => "") {
  const cells = [0, 1, 2].map((u) => [0, 1, 2].map((v) => element("td", { class: kind }, fill(u, v))));
  const grid = element(
    "table",
    { class: "cc-grid" },
    element("caption", {}, caption),
    element(
      "tbody",
      {},
      cells.map((row) => element("tr", {}, row)),
    ),
  );
  return { cells, node: element("div", {}, grid) };
}

export function mount(area, data) {
  const pictures = new Map(Object.entries(data.pictures).map(([name, packed]) => [name, unpacked(packed)]));
  const names = Object.keys(data.kernels);
  const copy = (rows) => rows.map((row) => [...row]);
  let [image, kernel, mine, border, result, place] = [null, null, null, "valid", null, [0, 0]];

  const before = pane("Before", "The picture.");
  const after = pane("After", "The filtered picture.");
  const fields = [0, 1, 2].map((u) =>
    [0, 1, 2].map((v) =>
      element("input", {
        type: "number",
        step: "any",
        class: "cc-number",
        "aria-label": `weight in row ${u}, column ${v}`,
        oninput: () => edit(u, v),
      }),
    ),
  );
  const pixels = table("pixels", "");
  const weights = table("× weights", "kernel", (u, v) => fields[u][v]);
  const products = table("= products", "");
  const status = statusLine("cc-status cc-written");
  const facts = element("p", { class: "cc-facts" });
  const legend = element("p", { class: "cc-legend" }, signsLegend());

  function tell() {
    place = place.map((at, axis) => Math.min([result.length, result[0].length][axis] - 1, Math.max(0, at)));
    const [row, column] = place;
    const [top, left] = reach(kernel, border);
    const pieces = windowAt(image, kernel, border, row, column);
    pieces.forEach((line, u) =>
      line.forEach(({ x, w, inside }, v) => {
        const cell = pixels.cells[u][v];
        cell.textContent = number(x);
        cell.className = inside ? "" : "pad";
        cell.style.cssText = inside
          ? `background:color-mix(in srgb, #fff ${Math.round(100 * x)}%, #000);color:${x > 0.45 ? "#000" : "#fff"}`
          : "";
        products.cells[u][v].textContent = number(x * w);
      }),
    );
    before.show(row - top, column - left, 3, 3, image.length, image[0].length);
    after.show(row, column, 1, 1, result.length, result[0].length);
    status.replaceChildren(
      `Row ${row}, column ${column}: `,
      written(
        pieces.flat().map(({ x, w }) => x * w),
        result[row][column],
      ),
    );
  }

  function draw() {
    result = correlate(image, kernel, border);
    const view = show.select.value === "auto" ? viewFor(kernel) : show.select.value;
    const values = result.flat();
    const [low, high] = values.reduce(
      ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
      [Infinity, -Infinity],
    );
    const [black, white] = view === "stretched" ? [low, Math.max(high, low + 1e-9)] : [0, 1];
    if (view === "signed") drawSigned(after.canvas, result);
    else
      drawGray(
        after.canvas,
        result.map((row) => row.map((value) => (255 * (value - black)) / (white - black))),
      );
    legend.style.visibility = view === "signed" ? "" : "hidden";
    const shown = {
      signed: "by sign",
      plain: "0 as black, 1 as white",
      stretched: "its lowest as black, its highest as white",
    }[view];
    const empty = fields.flat().some((field) => field.hasAttribute("aria-invalid"))
      ? " An empty weight counts as 0."
      : "";
    facts.textContent =
      `Weights sum to ${number(
        kernel.flat().reduce((a, b) => a + b, 0),
        3,
      )}. ` +
      `Result ${result.length} × ${result[0].length}, from ${number(low)} to ${number(high)}, shown ${shown}.${empty}`;
    tell();
  }

  function setKernel(next) {
    kernel = copy(next);
    fields.flat().forEach((field, n) => {
      field.value = String(Number(kernel.flat()[n].toFixed(4)));
      field.removeAttribute("aria-invalid");
    });
    followed();
    draw();
  }

  // The menu says whose weights these are.
  function followed() {
    const same = names.find((name) =>
      data.kernels[name].every((row, u) => row.every((weight, v) => Math.abs(weight - kernel[u][v]) < 1e-9)),
    );
    if (!same) mine = copy(kernel);
    preset.select.value = same ?? OWN;
  }

  function edit(u, v) {
    const usable = fields[u][v].value !== "" && Number.isFinite(Number(fields[u][v].value));
    fields[u][v].toggleAttribute("aria-invalid", !usable);
    kernel[u][v] = usable ? Number(fields[u][v].value) : 0;
    followed();
    draw();
  }

  function choosePicture(name) {
    image = pictures.get(name);
    picture.select.value = name;
    drawGray(
      before.canvas,
      image.map((row) => row.map((value) => 255 * value)),
    );
    place = data.start ?? [image.length >> 1, image[0].length >> 1];
  }

  function setPicture(name) {
    choosePicture(name);
    draw();
  }

  async function take(file) {
    if (!file) return;
    try {
      pictures.set(OWN, await grayOf(file));
      if (![...picture.select.options].some((option) => option.value === OWN))
        picture.select.append(element("option", { value: OWN }, "your own"));
      setPicture(OWN);
    } catch {
      status.textContent = `${file.name} could not be read as a picture.`;
    }
  }

  for (const { canvas } of [before, after]) {
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      const [top, left] = reach(kernel, border);
      const at = [
        ((event.clientY - box.top) / box.height) * canvas.height,
        ((event.clientX - box.left) / box.width) * canvas.width,
      ].map(Math.floor);
      place = canvas === after.canvas ? at : [at[0] - 1 + top, at[1] - 1 + left]; // the pixel that is pointed at is in the middle
      tell();
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("keydown", (event) => {
      const step = arrowStep(event);
      if (!step) return;
      event.preventDefault();
      place = place.map((at, axis) => at + (event.shiftKey ? 10 : 1) * step[axis]);
      tell();
    });
  }

  const file = element("input", {
    type: "file",
    accept: "image/*",
    hidden: true,
    "aria-label": "A picture of your own",
    onchange: () => {
      take(file.files[0]);
      file.value = "";
    },
  });
  const picture = choice({ label: "Picture", options: [...pictures.keys()], value: names[0], change: setPicture });
  const preset = choice({
    label: "Kernel",
    options: [...names, [OWN, "your own weights"]],
    value: names[0],
    change: (name) => setKernel(name === OWN ? (mine ?? kernel) : data.kernels[name]),
  });
  const edges = choice({
    label: "Border",
    options: ["valid", "zeros", "replicate"],
    value: border,
    change: (value) => {
      border = value;
      draw();
    },
  });
  const show = choice({
    label: "Show",
    options: [
      ["auto", "by the kernel's sum"],
      ["plain", "as brightness"],
      ["stretched", "stretched"],
      ["signed", "by sign"],
    ],
    value: "auto",
    change: draw,
  });
  const restart = () => {
    [mine, border] = [null, "valid"];
    [edges.select.value, show.select.value] = [border, "auto"];
    choosePicture([...pictures.keys()][0]);
    setKernel(data.kernels[names[0]]);
  };
  area.append(
    element(
      "div",
      { class: "cc-controls" },
      picture.box,
      button("A picture of yours", () => file.click()),
      file,
      preset.box,
    ),
    element("div", { class: "cc-pair" }, before.box, after.box),
    legend,
    element("div", { class: "cc-sums" }, pixels.node, weights.node, products.node),
    status,
    element(
      "div",
      { class: "cc-controls" },
      edges.box,
      show.box,
      button("Flip by 180°", () =>
        setKernel(
          copy(kernel)
            .reverse()
            .map((row) => row.reverse()),
        ),
      ),
      button("Start again", restart),
    ),
    facts,
  );
  restart();
  onThemeChange(draw);
}
