// A sheet of MNIST's size on which one can draw: lines become pixels, as the makers of MNIST made theirs.

export const SIDE = 28; // pixels of an image along each side
const FINE = 4; // a sheet is drawn this much finer, so that a pen's line has soft edges
const GRID = SIDE * FINE;
const PEN = 1.25; // half the width of a line, in pixels
const BOX = 20; // MNIST's digits were scaled to fit a square of this side
const MIDDLE = 14.5; // and their center of mass was put here, in the pixel with the index 14

// What was picked and drawn, as GRID x GRID values of 0..1: an image of SIDE x SIDE or none, lines over it, all moved
// by whole pixels. A line is a list of points [x, y] in pixels; what leaves the sheet is lost.
export function sheet({ image, lines, down, right }) {
  const fine = new Float32Array(GRID * GRID);
  if (image) {
    for (let row = 0; row < GRID; row++) {
      const r = Math.floor(row / FINE) - down;
      if (r < 0 || r >= SIDE) continue;
      for (let column = 0; column < GRID; column++) {
        const c = Math.floor(column / FINE) - right;
        if (c >= 0 && c < SIDE) fine[row * GRID + column] = image[r * SIDE + c];
      }
    }
  }
  for (const line of lines) {
    line.forEach((point, at) => segment(fine, line[Math.max(0, at - 1)], point, down, right));
  }
  return fine;
}

// One straight piece of a line: every cell is as white as the pen covers it.
function segment(fine, [x0, y0], [x1, y1], down, right) {
  const [ax, ay, bx, by] = [x0 + right, y0 + down, x1 + right, y1 + down].map((value) => value * FINE);
  const [radius, dx, dy] = [PEN * FINE, bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const within = (value) => Math.max(0, Math.min(GRID, Math.floor(value)));
  const [top, bottom] = [within(Math.min(ay, by) - radius - 1), within(Math.max(ay, by) + radius + 2)];
  const [left, end] = [within(Math.min(ax, bx) - radius - 1), within(Math.max(ax, bx) + radius + 2)];
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < end; column++) {
      const px = column + 0.5 - ax;
      const py = row + 0.5 - ay;
      const along = length ? Math.max(0, Math.min(1, (px * dx + py * dy) / length)) : 0;
      const away = px - along * dx;
      const aside = py - along * dy;
      const covered = Math.min(1, radius + 0.5 - Math.sqrt(away * away + aside * aside));
      if (covered > fine[row * GRID + column]) fine[row * GRID + column] = covered;
    }
  }
}

// The sheet scaled and moved (y = scale * x + offset, in fine cells), as SIDE x SIDE means over each pixel's area.
function resample(fine, scale, [offsetDown, offsetRight]) {
  const shares = (offset) =>
    Array.from({ length: SIDE }, (_, at) => {
      const [from, to] = [(at * FINE - offset) / scale, ((at + 1) * FINE - offset) / scale];
      const cells = [];
      for (let cell = Math.max(0, Math.floor(from)); cell < Math.min(GRID, Math.ceil(to)); cell++) {
        cells.push([cell, (Math.min(to, cell + 1) - Math.max(from, cell)) / (to - from)]);
      }
      return cells;
    });
  const [rows, columns] = [shares(offsetDown), shares(offsetRight)];
  const pixels = new Float32Array(SIDE * SIDE);
  rows.forEach((cells, r) => {
    const line = new Float64Array(GRID); // the rows that this pixel row covers, averaged; then the same across
    for (const [row, share] of cells) {
      for (let column = 0; column < GRID; column++) line[column] += share * fine[row * GRID + column];
    }
    columns.forEach((others, c) => {
      let sum = 0;
      for (const [column, share] of others) sum += share * line[column];
      pixels[r * SIDE + c] = sum;
    });
  });
  return pixels;
}

// The sheet as an image [784], where it lies.
export function asDrawn(fine) {
  return resample(fine, 1, [0, 0]);
}

// The sheet as MNIST's makers prepared each digit: scaled so that it just fits a square of BOX pixels, then moved by
// whole pixels until its center of mass is in the middle. One of MNIST's own digits stays as it is.
export function centered(fine) {
  let [top, bottom, left, right, mass, down, across] = [GRID, -1, GRID, -1, 0, 0, 0];
  for (let row = 0; row < GRID; row++) {
    for (let column = 0; column < GRID; column++) {
      const value = fine[row * GRID + column];
      if (!value) continue;
      top = Math.min(top, row);
      bottom = row;
      left = Math.min(left, column);
      right = Math.max(right, column);
      mass += value;
      down += value * (row + 0.5);
      across += value * (column + 0.5);
    }
  }
  if (!mass) return new Float32Array(SIDE * SIDE);
  const scale = (BOX * FINE) / Math.max(bottom - top + 1, right - left + 1);
  const offset = [down, across].map((sum) => FINE * Math.round(MIDDLE - (scale * sum) / mass / FINE));
  return resample(fine, scale, offset);
}

// Draw images [H, W], one after the other in a row, as gray pixels: 0 is black, `white` and more is white.
export function drawRow(canvas, { shape: [count, height, width], data }, white) {
  const wide = count * (width + 1) - 1;
  if (canvas.width !== wide || canvas.height !== height) [canvas.width, canvas.height] = [wide, height];
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(wide, height);
  for (let at = 0; at < data.length; at++) {
    const [row, column] = [Math.floor(at / width), at % width];
    const to = 4 * ((row % height) * wide + Math.floor(row / height) * (width + 1) + column);
    pixels.data[to] = pixels.data[to + 1] = pixels.data[to + 2] = (255 * data[at]) / white;
    pixels.data[to + 3] = 255;
  }
  context.putImageData(pixels, 0, 0);
}
