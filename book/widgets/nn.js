// Forward passes of small networks: what a layer computes, written to be read, and fast enough to follow a pen.
// A tensor is { shape, data }: for an image [C, H, W] with the columns of a row next to each other, then the rows,
// then the channels, so the value of channel c at row i, column j is data[(c * H + i) * W + j]. One image at a time.
// Names and defaults are PyTorch's. Sums are added up in double precision and stored in single.

import { outputSize, pair } from "./lib.js";

export function tensor(shape, data) {
  return { shape, data: data || new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

// The image with a border of zeros, `above` rows at the top and at the bottom, `before` columns at the left and right.
function surround(x, above, before) {
  if (!above && !before) return x;
  const [C, H, W] = x.shape;
  const y = tensor([C, H + 2 * above, W + 2 * before]);
  for (let line = 0; line < C * H; line++) {
    const row = Math.floor(line / H) * y.shape[1] + (line % H) + above;
    y.data.set(x.data.subarray(line * W, (line + 1) * W), row * y.shape[2] + before);
  }
  return y;
}

// A convolution layer. x is [C_in, H, W], weight [C_out, C_in / groups, K_h, K_w], bias [C_out] or nothing.
// A window is a list of places in the input, and a filter a list of as many weights. An output value is the filter's bias
// plus the sum of the window's values, each times the filter's weight for that place. The list serves everywhere: only
// the window's corner moves. Nothing is flipped.
export function conv2d(x, weight, bias, { stride = 1, padding = 0, dilation = 1, groups = 1 } = {}) {
  const [filters, slices, Kh, Kw] = weight.shape;
  const [[down, right], [above, before], [gapDown, gapRight]] = [pair(stride), pair(padding), pair(dilation)];
  if (x.shape[0] !== slices * groups) throw new Error(`filters for ${slices * groups} channels got ${x.shape[0]}`);
  const padded = surround(x, above, before);
  const [, H, W] = padded.shape;
  const [height, width] = [outputSize(H, Kh, down, 0, gapDown), outputSize(W, Kw, right, 0, gapRight)];
  const y = tensor([filters, height, width]);

  const places = new Int32Array(slices * Kh * Kw); // counted from the window's corner, in the order of the weights
  let place = 0;
  for (let slice = 0; slice < slices; slice++) {
    for (let u = 0; u < Kh; u++) {
      for (let v = 0; v < Kw; v++) places[place++] = (slice * H + u * gapDown) * W + v * gapRight;
    }
  }

  // With groups, some filters see some channels, and each group is a small layer of its own; usually there is one.
  const [input, output, size] = [padded.data, y.data, filters / groups];
  const weights = new Float64Array(places.length * size);
  const sums = new Float64Array(size);
  for (let group = 0; group < groups; group++) {
    const first = group * size;
    for (let f = 0; f < size; f++) {
      // the weights by place, so that all filters can take a value as it comes
      for (let k = 0; k < places.length; k++) weights[k * size + f] = weight.data[(first + f) * places.length + k];
    }
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const corner = (group * slices * H + i * down) * W + j * right; // a stride moves it by more than one pixel
        for (let f = 0; f < size; f++) sums[f] = bias ? bias.data[first + f] : 0;
        for (let k = 0; k < places.length; k++) {
          const value = input[corner + places[k]];
          if (value === 0) continue; // adds nothing, and behind a ReLU many values are 0
          for (let f = 0; f < size; f++) sums[f] += value * weights[k * size + f];
        }
        for (let f = 0; f < size; f++) output[((first + f) * height + i) * width + j] = sums[f];
      }
    }
  }
  return y;
}

// Pooling: each channel by itself, a window at a time. `finish` makes one number of the values inside the image
// and of the number of places that the window has.
function pool(x, kernelSize, stride, padding, finish) {
  const [C, H, W] = x.shape;
  const [[Kh, Kw], [down, right], [above, before]] = [pair(kernelSize), pair(stride ?? kernelSize), pair(padding)];
  const y = tensor([C, outputSize(H, Kh, down, above), outputSize(W, Kw, right, before)]);
  const [, height, width] = y.shape;
  let at = 0;
  for (let c = 0; c < C; c++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        let [largest, sum] = [-Infinity, 0];
        const [top, left] = [i * down - above, j * right - before];
        for (let row = Math.max(0, top); row < Math.min(H, top + Kh); row++) {
          for (let column = Math.max(0, left); column < Math.min(W, left + Kw); column++) {
            const value = x.data[(c * H + row) * W + column];
            if (value > largest) largest = value;
            sum += value;
          }
        }
        y.data[at++] = finish(largest, sum, Kh * Kw);
      }
    }
  }
  return y;
}

// The largest value of each window. Padding counts as minus infinity, so it never wins.
export function maxPool2d(x, { kernelSize, stride, padding = 0 }) {
  return pool(x, kernelSize, stride, padding, (largest) => largest);
}

// The mean of each window. Padding counts as zeros, and they are counted: the divisor is always K_h * K_w.
export function averagePool2d(x, { kernelSize, stride, padding = 0 }) {
  return pool(x, kernelSize, stride, padding, (largest, sum, places) => sum / places);
}

// Each channel's mean over all of its places: [C, H, W] -> [C, 1, 1].
export function globalAveragePool(x) {
  return averagePool2d(x, { kernelSize: x.shape.slice(1) });
}

// What batch normalization does to a channel once training is over: times `scale`, plus `shift`.
function scaleAndShift({ mean, variance, weight, bias, eps = 1e-5 }) {
  const scale = Array.from(variance.data, (value, c) => (weight ? weight.data[c] : 1) / Math.sqrt(value + eps));
  return { scale, shift: scale.map((factor, c) => (bias ? bias.data[c] : 0) - factor * mean.data[c]) };
}

// Batch normalization by its running statistics, as in PyTorch's eval(); every argument of `norm` is [C].
export function batchNorm(x, norm) {
  const { scale, shift } = scaleAndShift(norm);
  const places = x.data.length / x.shape[0];
  return tensor(
    x.shape,
    x.data.map((value, at) => {
      const c = Math.floor(at / places);
      return scale[c] * value + shift[c];
    }),
  );
}

// The same, folded into the convolution before it: a weight and a bias that do both at once.
export function foldBatchNorm(weight, bias, norm) {
  const { scale, shift } = scaleAndShift(norm);
  const size = weight.data.length / weight.shape[0];
  return {
    weight: tensor(
      weight.shape,
      weight.data.map((value, at) => value * scale[Math.floor(at / size)]),
    ),
    bias: tensor(
      [weight.shape[0]],
      Float32Array.from(shift, (value, c) => value + (bias ? scale[c] * bias.data[c] : 0)),
    ),
  };
}

// A fully connected layer: x of any shape is read as a list; weight is [out, in], bias [out] or nothing.
export function linear(x, weight, bias) {
  const [outputs, inputs] = weight.shape;
  if (x.data.length !== inputs) throw new Error(`a linear layer for ${inputs} values got ${x.data.length}`);
  const y = tensor([outputs]);
  for (let o = 0; o < outputs; o++) {
    let sum = bias ? bias.data[o] : 0;
    for (let i = 0; i < inputs; i++) sum += weight.data[o * inputs + i] * x.data[i];
    y.data[o] = sum;
  }
  return y;
}

export function relu(x) {
  return tensor(
    x.shape,
    x.data.map((value) => Math.max(0, value)),
  );
}

// Scores (logits) as shares that add up to 1. The largest is taken off first, so that no power overflows.
export function softmax(x) {
  const largest = Math.max(...x.data);
  const powers = Array.from(x.data, (score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return tensor(
    x.shape,
    Float32Array.from(powers, (power) => power / sum),
  );
}

const LAYERS = {
  normalize: (x, { mean, std }) =>
    tensor(
      x.shape,
      x.data.map((value) => (value - mean) / std),
    ),
  conv2d: (x, layer) => conv2d(x, layer.weight, layer.bias, layer),
  batchNorm,
  maxPool2d,
  averagePool2d,
  globalAveragePool,
  relu,
  softmax,
  linear: (x, { weight, bias }) => linear(x, weight, bias),
};

// Run a network: the output of every layer, in order; the last one is the answer.
export function forward(layers, image) {
  const outputs = [];
  for (const layer of layers) outputs.push(LAYERS[layer.kind](outputs.at(-1) || image, layer));
  return outputs;
}

// Half-precision numbers (1 sign, 5 exponent and 10 fraction bits, little-endian) from base64.
export function halves(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return Float32Array.from(new Uint16Array(bytes.buffer), (bits) => {
    const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14;
    return bits >> 15 ? -size : size;
  });
}

// A network as it is stored, ready for `forward`: the shapes in `layers` are filled, in order, from its numbers.
export function load({ layers, numbers }) {
  const values = halves(numbers);
  let used = 0;
  const take = (shape) => tensor(shape, values.subarray(used, (used += shape.reduce((a, b) => a * b, 1))));
  const filled = layers.map((layer) =>
    Object.fromEntries(
      Object.entries(layer).map(([name, value]) => [name, name === "weight" || name === "bias" ? take(value) : value]),
    ),
  );
  if (used !== values.length) throw new Error(`the layers take ${used} of ${values.length} numbers`);
  return filled;
}
