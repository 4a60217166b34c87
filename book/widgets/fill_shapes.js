// A network's shapes to fill in: each answer is judged at once, a known mistake is named, and no answer is ever shown.
// Data: {input: [C, H, W], layers: [{name, channels?, kernel, stride?, padding?}]}; settings are ints, pooling has no channels.

import { button, element, numberField, outputSize, statusLine } from "./lib.js";

const PLACES = ["channels", "height", "width"];

// The shapes after each layer, from one to the next.
export function shapes({ input, layers }) {
  let shape = input;
  return layers.map(({ channels, kernel, stride = 1, padding = 0 }) => {
    shape = [channels ?? shape[0], ...shape.slice(1).map((size) => outputSize(size, kernel, stride, padding))];
    return shape;
  });
}

// What to say to `answer` for a layer that is given `before`: ["right" | "wrong", words], or nothing while it is not whole.
export function judge(layer, before, answer) {
  if (answer.some((value) => value === null)) return null;
  const { channels, kernel, stride = 1, padding = 0 } = layer;
  const [right] = shapes({ input: before, layers: [layer] });
  if (answer.every((value, at) => value === right[at])) return ["right", "Right."];
  if (answer[0] !== right[0]) {
    return [
      "wrong",
      channels === undefined
        ? "Pooling treats each channel by itself."
        : "There are as many output channels as filters.",
    ];
  }
  const at = answer[1] !== right[1] ? 1 : 2;
  const [found, size] = [answer[at], before[at]];
  const room = size + 2 * padding - kernel;
  const named = [
    [Math.ceil(room / stride) + 1, "A window that hangs over the edge is not counted: round down."],
    [Math.floor(room / stride), "The window at the start counts as well: add 1."],
    [outputSize(size + padding, kernel, stride, 0), "Padding is added at both ends."],
    [outputSize(size, kernel, stride, 0), "This layer has padding."],
    [outputSize(size, kernel, 1, padding), "How far does the window move from one place to the next?"],
  ];
  const [, words] = named.find(([value]) => value === found) ?? [
    0,
    "Count again, with the kernel, stride and padding of this layer.",
  ];
  return ["wrong", `The ${PLACES[at]}: ${words}`];
}

// The same for the number of values in the last shape.
export function judgeValues(shape, found) {
  if (found === null) return null;
  const [channels, height, width] = shape;
  if (found === channels * height * width) return ["right", "Right."];
  return ["wrong", found === height * width ? "That is one channel." : "Multiply the three numbers of the last shape."];
}

export function mount(area, data) {
  const wanted = shapes(data);
  const answers = [...data.layers.map(() => [null, null, null]), [null]];
  const fields = [];
  const lines = answers.map(() => statusLine("cc-said"));
  const say = (row) => {
    const before = row === 0 ? data.input : wanted[row - 1];
    const said =
      row < data.layers.length
        ? judge(data.layers[row], before, answers[row])
        : judgeValues(wanted.at(-1), answers[row][0]);
    lines[row].textContent = said?.[1] ?? "";
    lines[row].className = `cc-said ${said?.[0] ?? ""}`;
  };
  const field = (label, row, at) => {
    const made = numberField({ label, value: "", min: 1, change: () => {} });
    made.setAttribute("inputmode", "numeric");
    made.addEventListener("change", () => {
      answers[row][at] = made.value === "" ? null : Number(made.value);
      say(row);
    });
    fields.push(made);
    return made;
  };
  const row = (number, name, places) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      element(
        "td",
        { class: "cc-shape" },
        places.flatMap((place, at) => [at ? " × " : "", field(`${name}: ${place}`, number, at)]),
      ),
      element("td", {}, lines[number]),
    );
  area.append(
    element(
      "table",
      {},
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ["layer", "output: channels × height × width", "right or wrong"].map((text) =>
            element("th", { scope: "col" }, text),
          ),
        ),
      ),
      element(
        "tbody",
        {},
        data.layers.map((layer, number) => row(number, layer.name, PLACES)),
        row(data.layers.length, "How many values are that in the end?", ["values"]),
      ),
    ),
    element(
      "div",
      { class: "cc-controls" },
      button("Start again", () => {
        fields.forEach((made) => {
          made.value = "";
          made.removeAttribute("aria-invalid");
        });
        answers.forEach((answer, number) => {
          answer.fill(null);
          say(number);
        });
        fields[0].focus();
      }),
    ),
  );
}
