// What the interactive figures share: building elements, controls with labels, numbers, and mounting.
// A widget is a module that exports mount(area, data); its figure in the page carries the data as JSON:
//   <figure class="cc-widget" data-widget="NAME" aria-label="..."><script type="application/json">...</script></figure>

const SVG = "http://www.w3.org/2000/svg";
let serial = 0;

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat());
  return node;
}

// element("button", { type: "button", onclick: play }, "Play")
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// The same for SVG.
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", class: "cc-button", onclick, ...attributes }, label);
}

// A labelled slider. change(value) is called at each move; .set(value) moves it silently; .limit(min, max) alters its range.
export function slider({ label, min, max, step = 1, value, change }) {
  const id = `cc-${++serial}`;
  const shown = element("output", { for: id }, String(value));
  const input = element("input", { id, type: "range", min, max, step, value });
  input.addEventListener("input", () => {
    shown.textContent = input.value;
    change(Number(input.value));
  });
  const box = element("div", { class: "cc-slider" }, element("label", { for: id }, label), input, shown);
  return {
    box,
    input,
    set(next) {
      input.value = next;
      shown.textContent = input.value;
    },
  };
}

// A labelled menu of [value, text] pairs, or of plain strings.
export function choice({ label, options, value, change }) {
  const id = `cc-${++serial}`;
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  const select = element(
    "select",
    { id, onchange: () => change(select.value) },
    pairs.map(([key, text]) => element("option", { value: key, selected: key === value }, text)),
  );
  return { box: element("div", { class: "cc-choice" }, element("label", { for: id }, label), select), select };
}

// A number field with a label that only a screen reader needs.
export function numberField({ label, value, min, max, step = 1, change }) {
  const input = element("input", { type: "number", class: "cc-number", "aria-label": label, value, min, max, step });
  input.addEventListener("input", () => {
    const next = Number(input.value);
    const whole = input.value !== "" && Number.isFinite(next);
    const inside = whole && !(min !== undefined && next < min) && !(max !== undefined && next > max);
    input.toggleAttribute("aria-invalid", !inside);
    if (inside) change(next);
  });
  return input;
}

// A line that screen readers announce when it changes.
export function statusLine(className = "cc-status") {
  return element("p", { class: className, role: "status" });
}

// 1234.5 -> "1,234.5"; a true minus sign; at most `digits` decimals.
export function number(value, digits = 2) {
  const text = Math.abs(value).toLocaleString("en-US", { maximumFractionDigits: digits });
  return value < 0 && !/^[0.]+$/.test(text) ? `−${text}` : text;
}

// How many places a window of `kernel` has along one axis; below 1 where it does not fit.
export function outputSize(size, kernel, stride = 1, padding = 0, dilation = 1) {
  return Math.floor((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

// An int or a [height, width] pair as a pair.
export function pair(value) {
  return Array.isArray(value) ? value : [value, value];
}

export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

// Float32 numbers, little-endian, from base64.
export function floats(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

// Arrow keys as [rows down, columns right]; undefined for any other key.
export function arrowStep(event) {
  return { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
}

// Draw a gray image, rows of 0..255, into a canvas of its own size.
export function drawGray(canvas, image) {
  const [height, width] = [image.length, image[0].length];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  image.forEach((row, r) =>
    row.forEach((value, c) => {
      const at = 4 * (r * width + c);
      pixels.data[at] = pixels.data[at + 1] = pixels.data[at + 2] = value; // the array itself clamps to 0..255
      pixels.data[at + 3] = 255;
    }),
  );
  context.putImageData(pixels, 0, 0);
}

// Draw signed values, red positive and blue negative, the stronger the further from zero; zero is the page's ground.
// The colors are the reader's theme's, so redraw when it changes.
export function drawSigned(canvas, image) {
  const [height, width] = [image.length, image[0].length];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const largest = Math.max(1e-9, ...image.map((row) => Math.max(...row.map(Math.abs))));
  const [positive, negative] = ["--positive", "--negative"].map(themeColor);
  const pixels = context.createImageData(width, height);
  image.forEach((row, r) =>
    row.forEach((value, c) => {
      const at = 4 * (r * width + c);
      pixels.data.set(value < 0 ? negative : positive, at);
      pixels.data[at + 3] = 255 * (Math.abs(value) / largest) ** 0.8;
    }),
  );
  context.putImageData(pixels, 0, 0);
}

// A custom property of the style sheet as [red, green, blue] in the reader's theme.
export function themeColor(property) {
  const probe = document.body.appendChild(element("i", { style: `color:var(${property})` }));
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color
    .match(/[\d.]+/g)
    .slice(0, 3)
    .map(Number);
}

// Call redraw when the reader switches between light and dark.
export function onThemeChange(redraw) {
  document.addEventListener("themechange", redraw);
}

// The legend of signed values.
export function signsLegend() {
  return element("span", { class: "cc-signs" }, "negative ", element("span", { class: "cc-signs-bar" }), " positive");
}

// Mount every figure of the page; one that fails says so and leaves the others alone.
export function mountAll() {
  document.querySelectorAll("figure.cc-widget").forEach((figure) => {
    const name = figure.dataset.widget;
    const area = element("div", { class: `cc-area cc-${name.replaceAll("_", "-")}` });
    try {
      window.convcourse[name].mount(area, JSON.parse(figure.querySelector("script").textContent));
      figure.append(area);
      figure.setAttribute("role", "group");
      figure.classList.add("mounted");
    } catch (error) {
      figure.append(
        element(
          "p",
          { class: "cc-status" },
          `This figure could not start in your browser (${error.message}). The text does not depend on it.`,
        ),
      );
      console.warn(`widget ${name}:`, error);
    }
  });
}

document.addEventListener("DOMContentLoaded", mountAll);
