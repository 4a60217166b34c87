// Nine random numbers become an edge filter: gradient descent on a kernel, run step by step in the page.
// Data: {input: [[...]], target: [[...]] (the input under the kernel to be found), goal: [[...]] (that kernel), rate, steps}

import {
  button,
  drawGray,
  drawSigned,
  element,
  number,
  onThemeChange,
  reducedMotion,
  signsLegend,
  slider,
  statusLine,
  svg,
} from "./lib.js";

// Lay the kernel on every place where it fits, multiply, add up: rows of numbers in, rows of numbers out.
export function correlate(image, kernel) {
  const [rows, columns] = [image.length - kernel.length + 1, image[0].length - kernel[0].length + 1];
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => {
      let sum = 0;
      for (let u = 0; u < kernel.length; u++)
        for (let v = 0; v < kernel[0].length; v++) sum += kernel[u][v] * image[i + u][j + v];
      return sum;
    }),
  );
}

// Half the mean squared error of a kernel's output, its gradient with respect to the kernel, and the output.
export function look(input, target, kernel) {
  const output = correlate(input, kernel);
  const count = output.length * output[0].length;
  const error = output.map((row, i) => row.map((value, j) => value - target[i][j]));
  const loss = error.flat().reduce((sum, value) => sum + value * value, 0) / (2 * count);
  const gradient = correlate(input, error).map((row) => row.map((value) => value / count));
  return { output, loss, gradient };
}

// The kernel after one step downhill.
export function step(kernel, gradient, rate) {
  return kernel.map((row, u) => row.map((value, v) => value - rate * gradient[u][v]));
}

// Numbers from a normal distribution, the same for the same seed.
export function randomKernel(seed, size = 3) {
  let state = seed * 2654435761 + 1;
  const uniform = () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return (state + 1) / 4294967297;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: size }, () => Array.from({ length: size }, normal));
}

const WIDE = 300;
const HIGH = 132;

function picture(label) {
  const canvas = element("canvas", { role: "img", "aria-label": label });
  return { canvas, box: element("div", { class: "cc-picture" }, element("p", {}, label), canvas) };
}

function grid(caption, kind) {
  const cells = Array.from({ length: 3 }, () => Array.from({ length: 3 }, () => element("td", { class: kind })));
  const table = element(
    "table",
    { class: "cc-grid" },
    element("caption", {}, caption),
    element(
      "tbody",
      {},
      cells.map((row) => element("tr", {}, row)),
    ),
  );
  const fill = (values) =>
    values.forEach((row, u) =>
      row.forEach((value, v) => {
        cells[u][v].textContent = number(value, 2);
      }),
    );
  return { table: element("div", {}, table), fill };
}

export function mount(area, data) {
  let [seed, kernel, losses, timer] = [1, null, [], 0];
  let seen = null;
  const rate = slider({ label: "Step size", min: 0.01, max: 0.4, step: 0.01, value: data.rate, change: () => {} });
  const play = button("Run", () => (timer ? stop() : run()), { class: "cc-button strong" });
  const pictures = {
    input: picture("Input: a photograph"),
    target: picture("Wanted: the edges in it"),
    output: picture("What the kernel finds"),
  };
  const numbers = {
    kernel: grid("Kernel", "kernel"),
    gradient: grid("Its gradient", "gradient"),
    goal: grid("Sobel, to be found", ""),
  };
  const status = statusLine();
  const line = svg("polyline", { class: "cc-curve", points: "" });
  const dot = svg("circle", { class: "cc-dot", r: 4 });
  const ticks = [10, 0.1, 0.001, 0.00001];
  const [left, right, top, bottom] = [52, WIDE - 8, 8, HIGH - 24];
  // Both axes are fixed, so that a run can be compared with the one before.
  const x = (at) => left + ((right - left) * at) / data.steps;
  const y = (loss) => bottom - ((bottom - top) * (Math.log10(Math.max(loss, 1e-6)) + 6)) / 8;
  const curve = svg(
    "svg",
    { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": "The loss after each step, on a logarithmic axis" },
    ticks
      .map((loss) => [
        svg("line", { class: "cc-rule", x1: left, x2: right, y1: y(loss), y2: y(loss) }),
        svg("text", { x: left - 6, y: y(loss) + 4, "text-anchor": "end" }, String(number(loss, 5))),
      ])
      .flat(),
    svg("text", { x: left, y: HIGH - 6 }, "step 0"),
    svg("text", { x: right, y: HIGH - 6, "text-anchor": "end" }, `step ${data.steps}`),
    line,
    dot,
  );

  function draw() {
    drawSigned(pictures.output.canvas, seen.output);
    numbers.kernel.fill(kernel);
    numbers.gradient.fill(seen.gradient);
    line.setAttribute("points", losses.map((loss, at) => `${x(at).toFixed(1)},${y(loss).toFixed(1)}`).join(" "));
    dot.setAttribute("cx", x(losses.length - 1));
    dot.setAttribute("cy", y(losses.at(-1)));
  }

  function tell() {
    const worst = Math.max(...kernel.flatMap((row, u) => row.map((value, v) => Math.abs(value - data.goal[u][v]))));
    const lost = !Number.isFinite(seen.loss) || seen.loss > 1e6;
    status.textContent = lost
      ? `Step ${losses.length - 1}: the steps are too large, and each one overshoots further than the last. Start again with a smaller step size.`
      : `Step ${losses.length - 1}: loss ${Number(seen.loss.toPrecision(2))}, farthest weight from Sobel's ${number(worst, 3)}`;
    return lost;
  }

  function advance() {
    kernel = step(kernel, seen.gradient, Number(rate.input.value));
    seen = look(data.input, data.target, kernel);
    losses.push(seen.loss);
    draw();
    const over = losses.length > data.steps || !Number.isFinite(seen.loss) || seen.loss > 1e6;
    if (over) stop();
    return over;
  }

  function run() {
    if (losses.length > data.steps) start();
    play.textContent = "Stop";
    status.textContent = "Running.";
    let before = 0;
    const frame = (now) => {
      if (!timer) return;
      // Slow at the start, where most of it happens; a reader who wants no motion sees every twentieth step.
      const pause = reducedMotion() ? 250 : losses.length < 40 ? 90 : 25;
      if (now - before >= pause) {
        before = now;
        for (let n = reducedMotion() ? 20 : 1; n > 0 && timer; n--) if (advance()) return;
      }
      timer = requestAnimationFrame(frame);
    };
    timer = requestAnimationFrame(frame);
  }

  function stop() {
    cancelAnimationFrame(timer);
    timer = 0;
    play.textContent = "Run";
    tell();
  }

  function start() {
    kernel = randomKernel(seed);
    seen = look(data.input, data.target, kernel);
    losses = [seen.loss];
    draw();
    stop();
  }

  const wanted = () => drawSigned(pictures.target.canvas, data.target);
  wanted();
  drawGray(pictures.input.canvas, stretched(data.input));
  numbers.goal.fill(data.goal);
  area.append(
    element(
      "div",
      { class: "cc-controls" },
      play,
      button("One step", () => {
        stop();
        advance();
        tell();
      }),
      button("Start again", () => {
        rate.set(data.rate);
        start();
      }),
      button("Other random numbers", () => {
        seed += 1;
        start();
      }),
      rate.box,
    ),
    element(
      "div",
      { class: "cc-pictures" },
      Object.values(pictures).map(({ box }) => box),
    ),
    element(
      "div",
      { class: "cc-panels" },
      Object.values(numbers).map(({ table }) => table),
      element("div", { class: "cc-loss" }, element("p", { class: "cc-small" }, "Loss"), curve),
    ),
    status,
    element("p", { class: "cc-legend" }, signsLegend()),
  );
  start();
  onThemeChange(() => {
    wanted();
    draw();
  });
}

// The input's values as gray from 0, its least, to 255, its largest.
function stretched(image) {
  const values = image.flat();
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return image.map((row) => row.map((value) => (255 * (value - low)) / (high - low)));
}
