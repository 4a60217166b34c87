// Draw a digit, or push one about, and watch two networks read it: a convolutional and a fully connected one.
// Data: {images: [base64 of 784 bytes], labels, start: {image, down, right}}; the networks come with the page.

import { arrowStep, button, element, reducedMotion, statusLine } from "./lib.js";
import { forward, load, softmax, tensor } from "./nn.js";
import { SIDE, asDrawn, centered, drawRow, sheet } from "./sheet.js";
import { mnist_20k } from "./networks/mnist_20k.js";
import { mlp_mnist } from "./networks/mlp_mnist.js";

const FAR = 20; // nothing is left to see of a digit moved further

const share = (value) => `${(100 * value).toFixed(1)} %`; // some forty of them at each move: no locale is asked

// One network's side of the figure: what it says, large, and its ten shares.
function reader(name, stored, size) {
  const layers = load(stored);
  const answer = element("b", { class: "cc-says" });
  const sure = element("span", { class: "cc-small" });
  const bars = Array.from({ length: 10 }, () => {
    const fill = element("span", { class: "cc-fill" });
    return { fill, track: element("span", { class: "cc-track" }, fill), value: element("span", { class: "cc-value" }) };
  });
  const head = element(
    "div",
    { class: "cc-reader" },
    element("span", { class: "cc-name" }, name),
    element("span", { class: "cc-small" }, size),
    answer,
    sure,
  );
  return {
    head,
    bars,
    // Read an image [784]; returns what each layer makes of it, and the ten shares.
    read(image) {
      const outputs = forward(layers, tensor([1, SIDE, SIDE], image));
      const shares = Array.from(softmax(outputs.at(-1)).data);
      return {
        outputs: outputs.filter((_, at) => layers[at].kind === "relu"),
        shares,
        best: shares.indexOf(Math.max(...shares)),
      };
    },
    show({ shares, best }, label) {
      const right = label === undefined || label === best ? "right" : "wrong";
      answer.textContent = String(best);
      answer.className = `cc-says ${right}`;
      sure.textContent = share(shares[best]);
      shares.forEach((value, digit) => {
        bars[digit].fill.style.width = `${100 * value}%`;
        bars[digit].fill.className = digit === best ? `cc-fill best ${right}` : "cc-fill";
        bars[digit].value.textContent = share(value);
      });
    },
    hush() {
      answer.textContent = "–";
      answer.className = "cc-says";
      sure.textContent = "nothing to read";
      bars.forEach(({ fill, value }) => {
        fill.style.width = "0";
        value.textContent = "";
      });
    },
  };
}

export function mount(area, data) {
  const images = data.images.map((packed) =>
    Float32Array.from(atob(packed), (character) => character.charCodeAt(0) / 255),
  );
  const convolutional = reader("Convolutional", mnist_20k, data.sizes[0]);
  const connected = reader("Fully connected", mlp_mnist, data.sizes[1]);
  const blank = { picked: -1, lines: [], down: 0, right: 0 };
  const first = { ...blank, picked: data.start.image, down: data.start.down, right: data.start.right };
  let [state, mode, centering, history, demo] = [first, "draw", false, [], 0];

  const pad = element("canvas", {
    class: "cc-sheet",
    width: SIDE,
    height: SIDE,
    tabindex: 0,
    role: "application",
    "aria-label":
      "The sheet. Draw with mouse, finger or pen. Keys: arrows move the digit, 0 to 9 pick one, Delete clears, Control Z undoes.",
  });
  const seen = element("canvas", {
    class: "cc-seen",
    width: SIDE,
    height: SIDE,
    role: "img",
    "aria-label": "What both networks are given",
  });
  const maps = [0, 3].map((layer) => ({ layer, canvas: element("canvas", { class: "cc-maps" }) }));
  const status = statusLine();
  const words = Array.from({ length: 10 }, () => element("span", { class: "visually-hidden" }));

  function update(say = true) {
    const image = images[state.picked];
    const label = state.picked < 0 || state.lines.length ? undefined : data.labels[state.picked];
    const fine = sheet({ ...state, image });
    const lying = asDrawn(fine);
    const given = centering ? centered(fine) : lying;
    drawRow(pad, tensor([1, SIDE, SIDE], lying), 1);
    drawRow(seen, tensor([1, SIDE, SIDE], given), 1);
    const results = [convolutional.read(given), connected.read(given)];
    maps.forEach(({ layer, canvas }) => {
      const values = results[0].outputs[layer];
      drawRow(
        canvas,
        values,
        values.data.reduce((a, b) => Math.max(a, b), 1e-9),
      );
    });
    thumbs.forEach((thumb, at) => thumb.setAttribute("aria-pressed", String(at === state.picked)));
    undo.disabled = history.length === 0;
    if (!given.some((value) => value > 0)) {
      convolutional.hush();
      connected.hush();
      if (say) status.textContent = "The sheet is empty: draw a digit on it, or pick one.";
      return;
    }
    convolutional.show(results[0], label);
    connected.show(results[1], label);
    if (!say) return; // while the pen is down, nothing is read out
    words.forEach((node, digit) => {
      node.textContent = `${digit}: convolutional ${share(results[0].shares[digit])}, fully connected ${share(results[1].shares[digit])}`;
    });
    status.textContent = sentence(fine, label, ...results);
  }

  function sentence(fine, label, one, other) {
    const way = (value, more, less) => (value ? `${Math.abs(value)} ${value > 0 ? more : less}` : "");
    const moved = [way(state.down, "down", "up"), way(state.right, "right", "left")].filter(Boolean).join(" and ");
    const what = label === undefined ? "Your drawing" : `A ${label} that neither has seen before`;
    const verdict = ({ best, shares }) =>
      `${best} (${share(shares[best])}${label === undefined || best === label ? "" : ", wrong"})`;
    let hint = "";
    if (!centering) {
      const again = connected.read(centered(fine)).best;
      if (again !== other.best) hint = ` Centered first, it would say ${again}.`;
    }
    return `${what}${moved ? `, moved ${moved}` : ""}. The convolutional network says ${verdict(one)}, the fully connected one ${verdict(other)}.${hint}`;
  }

  // Every change goes through here, so that it can be undone.
  function change(next, keep = true) {
    stop();
    if (keep) history.push(state);
    state = next;
    update();
  }
  function stop() {
    clearTimeout(demo);
    demo = 0;
  }
  const limit = (value) => Math.max(-FAR, Math.min(FAR, value));
  const moved = (from, down, right) => ({ ...from, down: limit(from.down + down), right: limit(from.right + right) });
  const pick = (at) => change({ ...blank, picked: at });
  const goBack = () => {
    if (history.length) change(history.pop(), false);
  };

  // Pointer: a finger, a pen and a mouse are all one. In `held` is what the gesture began with.
  let held = null;
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  };
  const onSheet = ([x, y]) => [x - state.right, y - state.down]; // lines move with the rest
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || held) return;
    event.preventDefault();
    pad.focus({ preventScroll: true });
    pad.setPointerCapture(event.pointerId);
    stop();
    history.push(state);
    const start = place(event);
    if (mode === "draw" && state.picked >= 0) state = blank; // a drawing of your own begins on an empty sheet
    held = { start, from: state, line: [onSheet(start)] };
    gesture(event);
  });
  function gesture(event) {
    if (mode === "draw") {
      const points = event.getCoalescedEvents?.() ?? [];
      for (const point of points.length ? points : [event]) held.line.push(onSheet(place(point)));
      state = { ...held.from, lines: [...held.from.lines, held.line] };
    } else {
      const [x, y] = place(event);
      state = moved(held.from, Math.round(y - held.start[1]), Math.round(x - held.start[0]));
    }
    update(false);
  }
  pad.addEventListener("pointermove", (event) => {
    if (held) gesture(event);
  });
  for (const name of ["pointerup", "pointercancel"])
    pad.addEventListener(name, () => {
      if (held) {
        held = null;
        update();
      }
    });
  pad.addEventListener("keydown", (event) => {
    const step = arrowStep(event);
    if (step) change(moved(state, ...step));
    else if (event.key === "Delete" || event.key === "Backspace") change(blank);
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) goBack();
    else if (/^[0-9]$/.test(event.key) && data.labels.includes(Number(event.key)))
      pick(data.labels.indexOf(Number(event.key)));
    else return;
    event.preventDefault();
  });

  const thumbs = images.map((image, at) => {
    const small = element("canvas", { "aria-hidden": "true" });
    drawRow(small, tensor([1, SIDE, SIDE], image), 1);
    return button(small, () => pick(at), { class: "cc-thumb", "aria-label": `Pick a ${data.labels[at]}` });
  });
  const modes = [
    ["draw", "Draw"],
    ["move", "Drag"],
  ].map(([key, text]) =>
    button(
      text,
      () => {
        mode = key;
        modes.forEach((each) => each.setAttribute("aria-pressed", String(each.dataset.mode === mode)));
        pad.dataset.mode = mode;
      },
      { "data-mode": key, "aria-pressed": String(key === mode) },
    ),
  );
  pad.dataset.mode = mode;
  const undo = button("Undo", goBack);
  const switchBox = element("input", {
    type: "checkbox",
    role: "switch",
    onchange: () => {
      centering = switchBox.checked;
      stop();
      update();
    },
  });
  const arrow = (text, name, down, right) =>
    button(text, () => change(moved(state, down, right)), {
      "aria-label": `Move ${name}`,
      class: `cc-button cc-${name}`,
    });
  const reset = () => {
    [mode, centering, history, switchBox.checked] = ["draw", false, [], false];
    modes[0].click();
    change(first, false);
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
          element(
            "div",
            { class: "cc-arrows" },
            arrow("←", "left", 0, -1),
            arrow("↑", "up", -1, 0),
            arrow("↓", "down", 1, 0),
            arrow("→", "right", 0, 1),
          ),
          element("div", { class: "cc-modes", role: "group", "aria-label": "What the pointer does" }, modes),
        ),
        element(
          "div",
          { class: "cc-under" },
          undo,
          button("Clear", () => change(blank)),
          button("Start again", reset),
        ),
      ),
      element(
        "div",
        { class: "cc-readers" },
        element("div", { class: "cc-heads" }, convolutional.head, seen, connected.head),
        element(
          "ol",
          { class: "cc-mirror", "aria-label": "The share that each network gives each digit" },
          words.map((word, digit) => {
            const [one, other] = [convolutional.bars[digit], connected.bars[digit]];
            const parts = [
              one.value,
              one.track,
              element("span", { class: "cc-which" }, String(digit)),
              other.track,
              other.value,
            ];
            parts.forEach((part) => part.setAttribute("aria-hidden", "true"));
            return element("li", {}, word, parts);
          }),
        ),
        element("label", { class: "cc-switch" }, switchBox, " Center and scale it first, as in MNIST"),
      ),
    ),
    status,
    element(
      "p",
      { class: "cc-small" },
      "What the convolutions make of it: 12 maps after the first layer, 28 after the fourth. Black is 0, white the layer's largest value.",
    ),
    ...maps.map(({ canvas, layer }) => {
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `The feature maps after convolution ${layer + 1} of the digit above`);
      return canvas;
    }),
  );

  // Once, where motion is welcome, the digit walks from the middle to where it starts; any touch ends that.
  const steps = Math.max(Math.abs(first.down), Math.abs(first.right));
  function walk(step) {
    state = {
      ...first,
      down: Math.round((first.down * step) / steps),
      right: Math.round((first.right * step) / steps),
    };
    update(step === steps);
    if (step < steps) demo = setTimeout(walk, step ? 350 : 1200, step + 1);
  }
  walk(reducedMotion() ? steps : 0);

  // A browser makes code fast once it has run a few times: let that be before the first stroke, not during it.
  const nothing = new Float32Array(SIDE * SIDE);
  const warmUp = (times) =>
    setTimeout(() => {
      convolutional.read(nothing.fill(times));
      if (times > 1) warmUp(times - 1);
    }, 60);
  warmUp(6);
}
