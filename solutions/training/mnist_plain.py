"""MNIST, a plain start: 6,930 parameters, 98.88 % of the test images, the mean of three seeds.

Run of 2026-11-27: 1 thread of 2 cores (Intel(R) Xeon(R) Processor), Python 3.11.7, torch 2.15.0+cu132,
seeds 0 to 2.

    python -m solutions.training.mnist_plain            # three seeds, half a minute each on a processor
    python -m solutions.training.mnist_plain --quick    # does it run?

The network and the recipe that exercise 10 begins with: two convolutions with ReLU and pooling, and one
linear layer on the flattened maps, without normalization or augmentation. Two widths
and two lengths were tried.
"""

from torch import nn

from convcourse.training import Recipe
from solutions.training import reference
from solutions.training.reference import Reference, Variant

RECIPE = Recipe(epochs=8, batch_size=128, learning_rate=0.005)


def build() -> nn.Sequential:
    """The network: images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""
    return nn.Sequential(
        nn.Conv2d(1, 10, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),  # 28 -> 26 -> 13
        nn.Conv2d(10, 20, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),  # 13 -> 11 -> 5
        nn.Flatten(),
        nn.Linear(20 * 5 * 5, 10),
    )


REFERENCE = Reference(
    name="mnist_plain",
    title="MNIST, a plain start",
    variants={"": Variant(build, RECIPE)},
    seeds=(0, 1, 2),
    validation=5_000,
    small={"epochs": 1, "seeds": (0,), "train_images": 5_000},
)

if __name__ == "__main__":
    reference.main(REFERENCE)
