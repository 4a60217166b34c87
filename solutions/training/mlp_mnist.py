"""The multilayer perceptron of chapter 01: 25,450 parameters, 97.18 % of the test images as mean of five
seeds, and 37.8 % once they are moved by three pixels.

Run of 2026-11-21: 1 thread of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seeds 0 to 4.

    python -m solutions.training.mlp_mnist            # five seeds, seconds each
    python -m solutions.training.mlp_mnist --quick    # does it run?

It is trained on centered digits alone, with no augmentation. Every test digit is then moved by 1 to 4 pixels
in eight directions; `shifted_3` is the accuracy at three pixels, averaged over them. The weights belong to
places in the picture, so what was learned at one place is of no use at the next.
"""

from torch import Tensor, nn
from torch.nn import functional as F

from convcourse.data import ImageSet
from convcourse.training import Normalize, Recipe, evaluate
from solutions.training import reference
from solutions.training.reference import Reference, Variant

RECIPE = Recipe(epochs=10, batch_size=128, learning_rate=0.005, weight_decay=0.01)
DIRECTIONS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def build() -> nn.Sequential:
    """The network: images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""
    return nn.Sequential(
        Normalize(),
        nn.Flatten(),
        nn.Linear(28 * 28, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def shift(images: Tensor, down: int, right: int) -> Tensor:
    """Images [..., H, W] moved by whole pixels; what leaves the picture is lost, what enters is black.

    >>> import torch
    >>> shift(torch.tensor([[1, 2], [3, 4]]), down=1, right=0).tolist()
    [[0, 0], [1, 2]]
    """
    return F.pad(images, (right, -right, down, -down))  # left, right, top, bottom; negative cuts off


def on_shifted_digits(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Accuracy on the test images moved by 1 to 4 pixels, as a mean over the eight directions."""
    return {f"shifted_{pixels}": _mean_accuracy(model, test, pixels) for pixels in range(1, 5)}


def _mean_accuracy(model: nn.Module, test: ImageSet, pixels: int) -> float:
    moved = (shift(test.images, pixels * down, pixels * right) for down, right in DIRECTIONS)
    found = [evaluate(model, ImageSet(images, test.labels, test.source))[1] for images in moved]
    return sum(found) / len(found)


REFERENCE = Reference(
    name="mlp_mnist",
    title="A multilayer perceptron on MNIST",
    variants={"": Variant(build, RECIPE)},
    small={"epochs": 2, "seeds": (0,), "train_images": 10_000},
    measure=on_shifted_digits,
)

if __name__ == "__main__":
    reference.main(REFERENCE)
