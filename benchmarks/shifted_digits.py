"""How the committed networks read digits that have moved by 0 to 4 pixels in eight directions.

    python benchmarks/shifted_digits.py [--write]

Every seed of each run is measured from its network.onnx, on all 10,000 test images of MNIST, so the result
depends on no training and hardly on the machine. What leaves the picture is lost, what enters is black.
`--write` keeps the table in benchmarks/results, where the book reads it.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np
import onnxruntime

from convcourse.data import mnist

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "shifted_digits.md"
RUNS = ("2026-11-21_mlp_mnist_cpu", "2026-11-21_lenet_mnist_cpu", "2026-11-21_mnist_20k_cpu")
DIRECTIONS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
PIXELS = range(5)
HEAD = """\
# Digits that have moved

Percent of MNIST's 10,000 test images read correctly once they are moved, averaged over eight directions; mean
and standard deviation over the seeds of each committed run.
Regenerate: `python benchmarks/shifted_digits.py --write`.

| network | seeds | moved by 0 | 1 | 2 | 3 | 4 pixels |
|---|---|---|---|---|---|---|
"""


def shift(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Images [N, H, W] moved by whole pixels.

    >>> shift(np.array([[[1, 2], [3, 4]]]), down=1, right=0).tolist()
    [[[0, 0], [1, 2]]]
    """
    height, width = images.shape[1:]
    moved = np.zeros_like(images)
    to_rows = slice(max(0, down), height + min(0, down))
    to_columns = slice(max(0, right), width + min(0, right))
    from_rows = slice(max(0, -down), height + min(0, -down))
    from_columns = slice(max(0, -right), width + min(0, -right))
    moved[:, to_rows, to_columns] = images[:, from_rows, from_columns]
    return moved


def accuracies(network: Path, images: np.ndarray, labels: np.ndarray) -> list[float]:
    """The share read correctly for each number of pixels, a mean over the directions."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(network, options)

    def accuracy(moved: np.ndarray) -> float:
        pixels = moved[:, None].astype(np.float32) / 255
        found = [session.run(None, {"images": part})[0].argmax(1) for part in np.array_split(pixels, 40)]
        return float((np.concatenate(found) == labels).mean())

    def on_average(pixels: int) -> float:
        ways = DIRECTIONS if pixels else DIRECTIONS[:1]  # not moved at all, all ways are one
        return statistics.mean(accuracy(shift(images, pixels * down, pixels * right)) for down, right in ways)

    return [on_average(pixels) for pixels in PIXELS]


def row(run: str, images: np.ndarray, labels: np.ndarray) -> str:
    """The line of one run."""
    networks = sorted((ROOT / "solutions" / "training" / "runs" / run).glob("seed_*/network.onnx"))
    by_seed = [accuracies(network, images, labels) for network in networks]
    cells = [
        f"{100 * statistics.mean(values):.2f} ± {100 * statistics.stdev(values):.2f}"
        for values in zip(*by_seed, strict=True)
    ]
    name = run.removesuffix("_cpu").split("_", 1)[1]
    return f"| {name} | {len(networks)} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    test = mnist("test", allow_digits=False)
    images, labels = test.images.numpy(), test.labels.numpy()
    table = HEAD
    for run in RUNS:
        table += row(run, images, labels) + "\n"
        print(table.splitlines()[-1], flush=True)
    if options.write:
        RESULT.write_text(table)


if __name__ == "__main__":
    main()
