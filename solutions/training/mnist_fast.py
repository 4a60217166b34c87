"""MNIST in 9 seconds: 18,970 parameters, 99.38 % of the test images, 99.31 % at least.

Run of 2026-11-22: 2 threads of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seeds 0 to 9.

    python -m solutions.training.mnist_fast --threads 2     # ten seeds on two processor cores
    python -m solutions.training.mnist_fast --device cuda   # the same recipe on a GPU
    python -m solutions.training.mnist_fast --quick         # does it run?

What makes it fast is that little happens where there are many places. Two pixels on each side are cut off,
which hold 0.2 % of the ink, before the augmentation rather than after it, and each 2 x 2 square of the rest
becomes four channels. Without padding the first convolution leaves 10 x 10 places, pooling 5 x 5 and the last
convolution 3 x 3, so the largest kernels work where there are nine places. Max pooling comes before batch
normalization and ReLU, which then have a quarter of the work. The last layer sees each of the nine places by
itself. With batches of 128, half of the time went into starting operations, whatever their size: batches of
512 start a quarter as many an epoch, and the optimizer is one operation. It forgets the squares of old
gradients sooner, since there are only 324 steps. The augmentation moves, turns, resizes and slants each image
as `random_affine` does, and spends less on the grid.

What makes it sure costs no training: judged is the mean of the scores of four crops, which lie one pixel
above, below, left and right of the middle, as AlexNet judged ten (Krizhevsky et al. 2012).

How this was found, and what did not help, is in LOG.md.
"""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from convcourse.training import Augment, Normalize, Recipe
from solutions.training import reference
from solutions.training.reference import Reference, Variant

SIDE = 24  # pixels of an image that count
MARGIN = (28 - SIDE) // 2
CROPS = (MARGIN - 1, MARGIN), (MARGIN + 1, MARGIN), (MARGIN, MARGIN - 1), (MARGIN, MARGIN + 1)  # (top, left)


def adamw_at_once(parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> Optimizer:
    """AdamW in one operation for all parameters; squares of gradients are forgotten in about 100 steps."""
    return torch.optim.AdamW(
        list(parameters), lr=learning_rate, betas=(0.9, 0.99), weight_decay=weight_decay, fused=True
    )


def block(in_channels: int, out_channels: int, padding: int = 0, pool: bool = False) -> list[nn.Module]:
    """A 3 x 3 convolution, max pooling where asked for, batch normalization, ReLU."""
    return [
        nn.Conv2d(in_channels, out_channels, 3, padding=padding, bias=False),
        *([nn.MaxPool2d(2)] if pool else []),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]


class Fast(nn.Module):
    """In training, images [N, 1, 24, 24] in; else [N, 1, 28, 28], of which four crops are judged. Pixels are
    from 0 to 1; logits [N, 10] out."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Normalize(),
            nn.PixelUnshuffle(2),  # each 2 x 2 square of pixels becomes four channels: 24 -> 12
            *block(4, 16, pool=True),  # 12 -> 10 -> 5
            *block(16, 32, padding=1),
            *block(32, 36),  # 5 -> 3
            nn.Flatten(),
            nn.Linear(36 * 3 * 3, 10),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, 10]."""
        if self.training:
            return self.layers(images)
        crops = [images[:, :, top : top + SIDE, left : left + SIDE] for top, left in CROPS]
        return self.layers(torch.cat(crops)).reshape(len(CROPS), -1, 10).mean(0)


def affine(shift: float, rotate: float, scale: float, shear: float) -> Augment:
    """What `random_affine` does, with the same arguments and not the same random numbers, in less time: only
    the middle of images [N, C, 28, 28] is made, [N, C, 24, 24].

    An affine map of a grid is a sum of a function of the row and one of the column, so additions of broadcast
    vectors replace the product of each place with a matrix.
    """

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        count, _, _, width = images.shape
        place = images.device
        amounts = 2 * torch.rand(5, count, 1, 1, generator=generator, device=place) - 1
        size = torch.exp(amounts[0] * math.log1p(scale))
        cos, sin = torch.cos(amounts[1] * math.radians(rotate)), torch.sin(amounts[1] * math.radians(rotate))
        right, down = 2 * shift / width * amounts[2], 2 * shift / width * amounts[3]
        slant = shear * amounts[4]
        column = (2 * torch.arange(MARGIN, MARGIN + SIDE, device=place) + 1) / width - 1  # the image: -1 to 1
        row = column[:, None]
        across = size * cos * column + ((slant - size * sin) * row + right)
        along = size * sin * column + (size * cos * row + down)
        return F.grid_sample(images, torch.stack([across, along], dim=-1), align_corners=False)

    return augment


RECIPE = Recipe(
    epochs=3,
    batch_size=512,
    learning_rate=0.05,
    weight_decay=0.01,
    augment=affine(shift=1.2, rotate=7.0, scale=0.08, shear=0.08),
    label_smoothing=0.1,
    optimizer=adamw_at_once,
)
REFERENCE = Reference(
    name="mnist_fast",
    title="MNIST in seconds, with fewer than 20,000 parameters",
    variants={"": Variant(Fast, RECIPE)},
    seeds=tuple(range(10)),
    small={"epochs": 2, "seeds": (0,), "train_images": 10_000},
    timed=True,
)

if __name__ == "__main__":
    reference.main(REFERENCE)
