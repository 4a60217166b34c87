// Networks by the numbers in their graph and the share of images they read, with a point of the reader's own.
// Data: {networks: [{name, numbers, mean, low, high}], budget, goal}; shares from 0 to 1. Both axes are logarithmic:
// to the right more numbers, upwards fewer mistakes.

import { button, element, number, numberField, statusLine, svg } from "./lib.js";

const HIGH = 360;
const EDGE = { left: 52, top: 14, bottom: HIGH - 46 };
const NUMBERS = [3000, 100_000];
const MISTAKES = [0.05, 0.003];

const log = Math.log;
const along = (value, [from, to]) => (log(value) - log(from)) / (log(to) - log(from));
const y = (share) => EDGE.bottom - along(1 - share, MISTAKES) * (EDGE.bottom - EDGE.top);
const percent = (share) => `${number(100 * share, 2)} %`;

// Which of `networks` do not have more numbers than these and read at least as much.
export function beatenBy(networks, numbers, share) {
  return networks.filter((one) => one.numbers <= numbers && one.mean >= share).map(({ name }) => name);
}

// What is said of a point of the reader's.
export function verdict({ networks, budget, goal }, numbers, share) {
  const within = numbers < budget && share >= goal;
  const beaten = beatenBy(networks, numbers, share);
  const reached = within ? "meets the challenge" : "does not meet the challenge yet";
  const compared = beaten.length
    ? `At least as good with no more numbers: ${beaten.join(", ")}.`
    : "No network here reads as much with as few numbers.";
  return `Yours, ${number(numbers)} numbers and ${percent(share)}, ${reached}. ${compared}`;
}

function drawing({ networks, budget, goal }, wide) {
  const right = wide - 8;
  const x = (numbers) => EDGE.left + along(numbers, NUMBERS) * (right - EDGE.left);
  const ticks = [3000, 10_000, 30_000, 100_000];
  const shares = [0.95, 0.97, 0.98, 0.99, 0.995, 0.997];
  const line = (x1, y1, x2, y2, kind) => svg("line", { x1, y1, x2, y2, class: kind });
  const own = svg(
    "g",
    { class: "cc-own", visibility: "hidden" },
    svg("circle", { r: 7 }),
    svg("text", { x: 11, y: 4 }, "yours"),
  );
  const rightHalf = (numbers) => x(numbers) > wide / 2;
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${wide} ${HIGH}`,
      role: "img",
      "aria-label": "Share of the test images read, against the numbers in the graph",
    },
    svg("rect", {
      class: "cc-goal",
      x: EDGE.left,
      y: EDGE.top,
      width: x(budget) - EDGE.left,
      height: y(goal) - EDGE.top,
    }),
    ticks
      .map((n) => [
        line(x(n), EDGE.top, x(n), EDGE.bottom, "cc-rule"),
        svg("text", { x: x(n), y: EDGE.bottom + 17, "text-anchor": n === 100_000 ? "end" : "middle" }, number(n)),
      ])
      .flat(),
    shares
      .map((share) => [
        line(EDGE.left, y(share), right, y(share), "cc-rule"),
        svg("text", { x: EDGE.left - 6, y: y(share) + 4, "text-anchor": "end" }, `${number(100 * share, 1)} %`),
      ])
      .flat(),
    svg("text", { x: (EDGE.left + right) / 2, y: HIGH - 6, "text-anchor": "middle" }, "numbers in the graph"),
    networks.map((one) =>
      svg(
        "g",
        { class: "cc-network" },
        line(x(one.numbers), y(one.low), x(one.numbers), y(one.high), "cc-whisker"),
        svg(
          "circle",
          { cx: x(one.numbers), cy: y(one.mean), r: 4.5 },
          svg("title", {}, `${one.name}: ${number(one.numbers)} numbers, ${percent(one.mean)}`),
        ),
        svg(
          "text",
          {
            x: x(one.numbers) + (rightHalf(one.numbers) ? -9 : 9),
            y: y(one.mean) + (one.below ? 18 : 4),
            "text-anchor": rightHalf(one.numbers) ? "end" : "start",
          },
          one.name,
        ),
      ),
    ),
    own,
  );
  return { picture, own, x, right };
}

export function mount(area, data) {
  const wide = matchMedia("(max-width: 40rem)").matches ? 340 : 640; // narrower on a phone, so that its type stays legible
  const { picture, own, x, right } = drawing(data, wide);
  const status = statusLine("cc-answer");
  const given = { numbers: undefined, share: undefined };

  function report() {
    const whole = given.numbers !== undefined && given.share !== undefined;
    own.setAttribute("visibility", whole ? "visible" : "hidden");
    status.textContent = whole
      ? verdict(data, given.numbers, given.share)
      : "Type the two values of your own network, as your feedback shows them.";
    if (!whole) return;
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
    const place = [
      clamp(x(given.numbers), EDGE.left, right),
      clamp(y(Math.min(given.share, 0.9999)), EDGE.top, EDGE.bottom),
    ];
    own.setAttribute("transform", `translate(${place.join(" ")})`);
    const text = own.querySelector("text");
    text.setAttribute("text-anchor", place[0] > wide / 2 ? "end" : "start");
    text.setAttribute("x", place[0] > wide / 2 ? -11 : 11);
  }

  const fields = [
    numberField({
      label: "Numbers in the graph of your network",
      min: 1,
      max: 1e9,
      change: (value) => {
        given.numbers = Math.round(value);
        report();
      },
    }),
    numberField({
      label: "Percent of the test images that it reads",
      min: 0,
      max: 100,
      step: 0.01,
      change: (value) => {
        given.share = value / 100;
        report();
      },
    }),
  ];
  const clear = () => {
    fields.forEach((field) => {
      field.value = "";
      field.removeAttribute("aria-invalid");
    });
    given.numbers = given.share = undefined;
    report();
  };
  area.append(
    element("div", { class: "cc-front" }, picture),
    status,
    element(
      "div",
      { class: "cc-controls" },
      element("label", { class: "cc-field" }, "numbers", fields[0]),
      element("label", { class: "cc-field" }, "percent read", fields[1]),
      button("Clear", clear),
    ),
  );
  report();
}
