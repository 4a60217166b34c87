"""What noise and shifts cost each committed network, and what packing several weights into a number gains.

    python benchmarks/networks.py [--write]

Every network for MNIST in solutions/training/runs is judged as the grader judges it, without the sandbox: as
it is, with noise on its numbers (ten draws, a tenth of the images each), and moved by up to a pixel. Then
LeNet-5 is packed, two and three weights of some bits in a number, and run with the noise that is asked
of 20,000 numbers. The rule on what is the same for whatever image, which refuses each of these files, is left
out for that. `--write` keeps the tables in benchmarks/results.
"""

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from autograder.scoring.artifacts import accuracy, mnist_test_set
from autograder.scoring.passes import Accuracies, draw, shifted
from convcourse.network_rules import (
    PASSES,
    Refused,
    bits_per_number,
    check,
    count,
    noise_of_rms,
    with_noise,
)
from tests.sandbox.attacks.packing import packed

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "solutions" / "training" / "runs"
RESULTS = Path(__file__).parent / "results" / "networks.md"
SHAPE, CLASSES, BATCH, SEED = [1, 28, 28], 10, 500, 1
LENET = "2026-11-21_lenet_mnist_cpu/seed_0"
PACKINGS = [(ways, bits) for ways in (2, 3) for bits in (2, 3, 4, 5, 6)]


def logits(model: bytes, images: np.ndarray) -> np.ndarray:
    """What a model says of images [N, 1, 28, 28]: [N, 10]."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    batches = (images[start : start + BATCH] for start in range(0, len(images), BATCH))
    return np.concatenate([session.run(None, {"images": batch})[0] for batch in batches])


def measured(model: bytes, noise: float, seed: int = SEED) -> Accuracies:
    """The three accuracies of a checked model with this noise."""
    images, labels = mnist_test_set()
    drawn = draw(len(images), seed)
    ordered, moved = images[drawn.order], shifted(images[drawn.other_order], drawn.shifts)
    parts = zip(drawn.noise_seeds, np.array_split(ordered, PASSES.noise_draws), strict=True)
    noisy = np.concatenate([logits(with_noise(model, draw_, noise), part) for draw_, part in parts])
    return Accuracies(
        plain=accuracy(logits(model, ordered), labels[drawn.order]),
        noisy=accuracy(noisy, labels[drawn.order]),
        shifted=accuracy(logits(model, moved), labels[drawn.other_order]),
    )


def committed() -> Iterator[tuple[str, bytes, int]]:
    """Name, checked model and numbers of each committed network for MNIST."""
    for path in sorted(RUNS.glob("*/**/network.onnx")):
        try:
            checked = check(path.read_bytes(), SHAPE, CLASSES)
        except Refused:  # for images of another size
            continue
        yield str(path.parent.relative_to(RUNS)), checked.model, checked.numbers


def rows() -> Iterator[tuple[str, int, float, Accuracies]]:
    """Name, numbers, noise and accuracies of each committed network."""
    for name, model, numbers in committed():
        noise = noise_of_rms(numbers)
        yield name, numbers, noise, measured(model, noise)


def packings() -> Iterator[tuple[int, int, int, float, float]]:
    """Ways, bits, numbers, accuracy and accuracy with the most noise, of LeNet-5 packed."""
    model = check((RUNS / LENET / "network.onnx").read_bytes(), SHAPE, CLASSES).model
    for ways, bits in PACKINGS:
        proto = onnx.load_model_from_string(packed(model, ways, bits))
        numbers = count.counted(proto, "images", "logits")
        found = measured(proto.SerializeToString(), PASSES.noise_of_rms_most)
        yield ways, bits, numbers, found.plain, found.noisy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    drops, lines = [], []
    for name, numbers, noise, found in rows():
        drops.append((100 * (found.plain - found.noisy), name))
        parts = (found.plain, found.noisy, found.shifted)
        shown = " | ".join(f"{part:.2%}" for part in parts)
        lines.append(f"| {name} | {numbers:,} | 1/{1 / noise:.0f} | {shown} |")
        print(lines[-1], flush=True)
    worst, mean = max(drops), statistics.mean(drop for drop, _ in drops)
    head = [
        "# What the passes cost, and what packing gains",
        "",
        f"{len(lines)} committed networks. Noise costs {mean:.2f} points on average and {worst[0]:.2f} at",
        f"worst ({worst[1]}); {PASSES.noise_drop_points:g} are allowed. Regenerate: `python"
        " benchmarks/networks.py --write`.",
        "",
        "| network | numbers in the graph | noise, of rms | as it is | with noise | shifted |",
        "|---|---|---|---|---|---|",
    ]
    noise = PASSES.noise_of_rms_most
    lines += [
        "",
        f"LeNet-5 ({LENET}) with its large tensors packed, and noise of 1/{1 / noise:.0f}, which leaves at",
        f"most {bits_per_number(noise):.2f} bits in a number.",
        "",
        "| weights in a number | bits each | numbers | as it is | with noise |",
        "|---|---|---|---|---|",
    ]
    for ways, bits, numbers, plain, noisy in packings():
        lines.append(f"| {ways} | {bits} | {numbers:,} | {plain:.2%} | {noisy:.2%} |")
        print(lines[-1], flush=True)
    if options.write:
        RESULTS.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
