// Push a digit about and watch a fully connected network, run here in the page, lose it.
// Data: {images: [[784 x 0-255]], labels, layers: [{weight, bias: base64 float32, out, in}], mean, std}

import { arrowStep, button, drawGray, element, floats, number, statusLine } from "./lib.js";

const SIDE = 28;

// The image moved down and right by whole pixels; what leaves is lost, what enters is black.
export function shifted(image, down, right) {
  const moved = new Array(SIDE * SIDE).fill(0);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const [r, c] = [row - down, column - right];
      if (r >= 0 && r < SIDE && c >= 0 && c < SIDE) moved[row * SIDE + column] = image[r * SIDE + c];
    }
  }
  return moved;
}

// The network's ten logits for an image of 0..255: scaled to 0..1, normalized, then linear layers with ReLU between.
export function logits(image, layers, mean, std) {
  let values = Float64Array.from(image, (pixel) => (pixel / 255 - mean) / std);
  layers.forEach(({ weight, bias }, index) => {
    const next = new Float64Array(bias.length);
    for (let o = 0; o < bias.length; o++) {
      let sum = bias[o];
      for (let i = 0; i < values.length; i++) sum += weight[o * values.length + i] * values[i];
      next[o] = index < layers.length - 1 ? Math.max(0, sum) : sum;
    }
    values = next;
  });
  return Array.from(values);
}

export function softmax(scores) {
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

// The layers as the page carries them, unpacked.
export function unpack(layers) {
  return layers.map((layer) => ({ weight: floats(layer.weight), bias: floats(layer.bias) }));
}

export function mount(area, data) {
  const layers = unpack(data.layers);
  let [chosen, down, right] = [0, 0, 0];
  const canvas = element("canvas", {
    tabindex: 0,
    role: "application",
    class: "cc-digit",
    "aria-label": "The digit. Arrow keys move it by one pixel.",
  });
  const status = statusLine();
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const fill = element("span", { class: "cc-fill" });
    const value = element("span", { class: "cc-value" });
    const row = element(
      "li",
      {},
      element("span", {}, String(digit)),
      element("span", { class: "cc-track" }, fill),
      value,
    );
    return { row, fill, value };
  });

  function draw() {
    const moved = shifted(data.images[chosen], down, right);
    drawGray(
      canvas,
      Array.from({ length: SIDE }, (_, row) => moved.slice(row * SIDE, (row + 1) * SIDE)),
    );
    const shares = softmax(logits(moved, layers, data.mean, data.std));
    const best = shares.indexOf(Math.max(...shares));
    const label = data.labels[chosen];
    shares.forEach((share, digit) => {
      bars[digit].fill.style.width = `${100 * share}%`;
      bars[digit].value.textContent = `${number(100 * share, 1)} %`;
      bars[digit].row.className = digit === best ? (best === label ? "best right" : "best wrong") : "";
    });
    const vertical = down === 0 ? "" : `${Math.abs(down)} ${down > 0 ? "down" : "up"}`;
    const sideways = right === 0 ? "" : `${Math.abs(right)} ${right > 0 ? "right" : "left"}`;
    const where = [vertical, sideways].filter(Boolean).join(", ") || "not moved";
    status.textContent = `A ${label}, ${where}: the network says ${best} with ${number(100 * shares[best], 1)} %${best === label ? "" : ", which is wrong"}.`;
  }

  const limit = (value) => Math.max(-14, Math.min(14, value));
  const move = (rows, columns) => {
    [down, right] = [limit(down + rows), limit(right + columns)];
    draw();
  };
  canvas.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    if (step) {
      event.preventDefault();
      move(...step);
    }
  });

  const thumbs = data.images.map((image, index) => {
    const small = element("canvas", { "aria-hidden": "true" });
    drawGray(
      small,
      Array.from({ length: SIDE }, (_, row) => image.slice(row * SIDE, (row + 1) * SIDE)),
    );
    return button(
      small,
      () => {
        [chosen, down, right] = [index, 0, 0];
        thumbs.forEach((thumb, at) => thumb.setAttribute("aria-pressed", String(at === index)));
        draw();
      },
      {
        class: "cc-thumb",
        "aria-label": `Take image ${index + 1}, a ${data.labels[index]}`,
        "aria-pressed": String(index === 0),
      },
    );
  });
  const arrow = (text, name, rows, columns) =>
    button(text, () => move(rows, columns), { "aria-label": `Move ${name}`, class: `cc-button cc-${name}` });
  area.append(
    element("div", { class: "cc-thumbs", role: "group", "aria-label": "Images to choose from" }, thumbs),
    element(
      "div",
      { class: "cc-panels" },
      element(
        "div",
        { class: "cc-pad" },
        arrow("↑", "up", -1, 0),
        arrow("←", "left", 0, -1),
        canvas,
        arrow("→", "right", 0, 1),
        arrow("↓", "down", 1, 0),
      ),
      element(
        "ol",
        { class: "cc-bars", "aria-label": "The network's share for each digit" },
        bars.map(({ row }) => row),
      ),
    ),
    status,
    element(
      "div",
      { class: "cc-controls" },
      button("Back to the middle", () => {
        [down, right] = [0, 0];
        draw();
      }),
    ),
  );
  draw();
}
