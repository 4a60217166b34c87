"""Two convolution layers on MNIST that step by 1 or by 2, the networks of chapter 04: 126,698 and 9,098
parameters, 98.69 % and 98.31 % of the test images as mean of three seeds.

Run of 2026-11-27: 1 thread of 2 cores (Intel(R) Xeon(R) Processor), Python 3.11.7, torch 2.15.0+cu132,
seeds 0 to 2.

    python -m solutions.training.stride_mnist            # two networks, three seeds, a minute each
    python -m solutions.training.stride_mnist --quick    # does it run?

The convolutions of both hold the same 1,248 parameters. What differs is how many places they stop at, and so
how many values the linear layer behind them has to read. Centered digits, no augmentation.
"""

from functools import partial

from torch import nn

from convcourse.arithmetic import conv_output_size
from convcourse.training import Normalize, Recipe
from solutions.training import reference
from solutions.training.reference import Reference, Variant

RECIPE = Recipe(epochs=4, batch_size=128, learning_rate=0.005, weight_decay=0.01)


def build(stride: int) -> nn.Sequential:
    """The network: images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""
    side = conv_output_size(conv_output_size(28, 3, stride, padding=1), 3, stride, padding=1)
    return nn.Sequential(
        Normalize(),
        nn.Conv2d(1, 8, 3, stride, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * side * side, 10),
    )


REFERENCE = Reference(
    name="stride_mnist",
    title="Stride 1 and stride 2 on MNIST",
    variants={f"stride_{stride}": Variant(partial(build, stride), RECIPE) for stride in (1, 2)},
    seeds=(0, 1, 2),
    small={"epochs": 2, "seeds": (0,), "train_images": 10_000},
)

if __name__ == "__main__":
    reference.main(REFERENCE)
