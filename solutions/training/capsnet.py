"""Capsules on MNIST, the network of Sabour, Frosst and Hinton (2017) in full: 8,215,568 parameters.

The full run waits for a GPU; it aims at the paper's 99.75 %. The small run, 232,408 parameters and 20,000
images, reaches 98.77 % of the test images after 8 epochs, 164 s of processor time on one thread.

Small run of 2026-11-21: 1 thread of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seed 0.

    python -m solutions.training.capsnet --device cuda       # three seeds, as in the paper
    python -m solutions.training.capsnet --small --threads 1 # the same layers with fewer channels, on a CPU
    python -m solutions.training.capsnet --quick             # does it run?

256 filters of 9 x 9; 32 channels of primary capsules in 8 dimensions, 6 x 6 places each; ten digit capsules
in 16 dimensions, reached by three iterations of routing over the parents; a decoder that draws the digit
again from the capsule of its class. Images are shifted by up to two pixels and not augmented otherwise. The
layers and losses are in convcourse.capsules.
"""

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ExponentialLR, LRScheduler

from convcourse.capsules import (
    Decoder,
    DigitCapsules,
    PrimaryCapsules,
    lengths,
    margin_loss,
    reconstruction_loss,
)
from convcourse.training import Recipe, random_crop_flip
from solutions.training import reference
from solutions.training.reference import Reference, Variant

# The learning rate falls to this share of its first value, evenly in every batch; the paper names none.
DECAY = 0.01


class CapsNet(nn.Module):
    """Images [N, 1, 28, 28] from 0 to 1 in, the lengths [N, 10] of the digit capsules out; with `labels` [N]
    also the images [N, 1, 28, 28] drawn again from the capsules of those classes."""

    def __init__(
        self,
        filters: int = 256,
        channels: int = 32,
        dimensions: tuple[int, int] = (8, 16),
        hidden: tuple[int, int] = (512, 1024),
    ):
        super().__init__()
        primary, digit = dimensions
        self.features = nn.Sequential(nn.Conv2d(1, filters, 9), nn.ReLU())  # 28 -> 20
        self.primary = PrimaryCapsules(filters, channels, primary)  # 20 -> 6
        self.digits = DigitCapsules(channels * 6 * 6, primary, 10, digit)
        self.decoder = Decoder(10, digit, (1, 28, 28), hidden)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Lengths, and with labels the pair (lengths, images drawn again)."""
        capsules = self.digits(self.primary(self.features(images)))
        if labels is None:
            return lengths(capsules)
        return lengths(capsules), self.decoder(capsules, labels)


def small() -> CapsNet:
    """The same layers with 24 filters and 3 channels of primary capsules: 232,408 parameters."""
    return CapsNet(filters=24, channels=3, dimensions=(8, 8), hidden=(64, 128))


def objective(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Margin loss and, scaled down, reconstruction loss; the lengths are the scores."""
    found, drawn = model(images, labels)
    return margin_loss(found, labels) + reconstruction_loss(drawn, images), found


def adam(parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> torch.optim.Adam:
    """Adam, as in the paper."""
    return torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)


def falling(optimizer: torch.optim.Optimizer, total_steps: int) -> LRScheduler:
    """An exponentially decaying learning rate, as in the paper."""
    return ExponentialLR(optimizer, DECAY ** (1 / total_steps))


SHIFTED = random_crop_flip(padding=2, flip=False)
RECIPE = Recipe(
    epochs=100,
    batch_size=128,
    learning_rate=0.001,
    weight_decay=0.0,
    augment=SHIFTED,
    objective=objective,
    optimizer=adam,
    scheduler=falling,
)
REFERENCE = Reference(
    name="capsnet",
    title="Capsules on MNIST",
    variants={"": Variant(CapsNet, RECIPE)},
    seeds=(0, 1, 2),
    validation=5_000,
    small={"epochs": 8, "batch_size": 64, "learning_rate": 0.003, "seeds": (0,), "train_images": 20_000},
)
SMALL = replace(REFERENCE, variants={"": Variant(small, RECIPE)})

if __name__ == "__main__":
    reference.main(REFERENCE, SMALL)
