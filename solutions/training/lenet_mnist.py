"""LeNet-5 in today's dress, the first convolutional network of chapter 09: 61,706 parameters, 99.17 % of the
test images as mean of five seeds, and 71.7 % once they are moved by three pixels.

Run of 2026-11-21: 1 thread of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seeds 0 to 4.

    python -m solutions.training.lenet_mnist            # five seeds, a minute each on a processor
    python -m solutions.training.lenet_mnist --quick    # does it run?

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition" (1998): twice
convolution and pooling, then three linear layers. ReLU replaces the scaled tanh, max pooling the
averages with weights of their own, and each filter of the second layer sees all six maps of the first.

It is trained as the perceptron of `mlp_mnist.py`, on centered digits with no augmentation, and measured on
digits moved by 1 to 4 pixels in eight directions. The convolutions follow a digit that moves; the linear
layers behind them do not.
"""

from torch import nn

from convcourse.training import Normalize, Recipe
from solutions.training import reference
from solutions.training.mlp_mnist import on_shifted_digits
from solutions.training.reference import Reference, Variant

RECIPE = Recipe(epochs=4, batch_size=128, learning_rate=0.005, weight_decay=0.01)


def build() -> nn.Sequential:
    """The network: images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""
    return nn.Sequential(
        Normalize(),
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),  # 28 -> 14
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),  # 14 -> 10 -> 5
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


REFERENCE = Reference(
    name="lenet_mnist",
    title="LeNet-5 on MNIST",
    variants={"": Variant(build, RECIPE)},
    small={"epochs": 2, "seeds": (0,), "train_images": 10_000},
    measure=on_shifted_digits,
)

if __name__ == "__main__":
    reference.main(REFERENCE)
