"""The network of chapter 03 where neighbors are no longer neighbors: 94.84 % of the test images as mean of
two seeds.

Run of 2026-11-27: 1 thread of 2 cores (Intel(R) Xeon(R) Processor), Python 3.11.7, torch 2.15.0+cu132,
seeds 0 to 1.

    python -m solutions.training.scrambled_mnist            # two seeds, minutes each
    python -m solutions.training.scrambled_mnist --quick    # does it run?

The network and the recipe are those of `filters_mnist.py`, but the 784 pixels of every image, for training
and for testing, are put into one and the same random order first. A fully connected layer would not notice.
"""

import torch
from torch import Tensor, nn

from solutions.training import filters_mnist, reference
from solutions.training.reference import Reference, Variant


class Scramble(nn.Module):
    """Puts the pixels of images [N, 1, 28, 28] into a random order, always the same one."""

    order: Tensor

    def __init__(self) -> None:
        super().__init__()
        order = torch.randperm(28 * 28, generator=torch.Generator().manual_seed(3))
        self.register_buffer("order", order, persistent=False)  # not among what is stored: the seed makes it

    def forward(self, images: Tensor) -> Tensor:
        """Images of the same shape."""
        return images.flatten(1).index_select(1, self.order).reshape(images.shape)


def build() -> nn.Sequential:
    """The network: images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""
    return nn.Sequential(Scramble(), filters_mnist.build())


REFERENCE = Reference(
    name="scrambled_mnist",
    title="Two convolution layers on MNIST with scrambled pixels",
    variants={"": Variant(build, filters_mnist.RECIPE)},
    seeds=(0, 1),
    small={"epochs": 2, "seeds": (0,), "train_images": 10_000},
)

if __name__ == "__main__":
    reference.main(REFERENCE)
