"""Augmentation in whole batches: each image of a batch is changed by amounts of its own."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Augment = Callable[[Tensor, torch.Generator], Tensor]


def random_affine(
    shift: float = 2.0, rotate: float = 10.0, scale: float = 0.1, shear: float = 0.0
) -> Augment:
    """Make an augmentation: each image of a batch is shifted, turned, resized and slanted by its own amounts.

    `shift` is in pixels, `rotate` in degrees, `scale` a fraction, `shear` in columns a row; amounts are
    drawn evenly from minus to plus these. What is made takes images [N, C, H, W] and a generator, and
    returns images of the same shape.

    >>> images = torch.rand(4, 1, 28, 28)
    >>> random_affine()(images, torch.Generator().manual_seed(0)).shape
    torch.Size([4, 1, 28, 28])
    """

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = images.shape

        def draw(limit: float) -> Tensor:
            unit = torch.rand(count, generator=generator, device=images.device)
            return (2 * unit - 1) * limit

        angle, size = draw(math.radians(rotate)), torch.exp(draw(math.log1p(scale)))
        cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
        # affine_grid measures from -1 to 1 across the image, so one pixel is 2 / width.
        across = torch.stack([cos, draw(shear) - sin, draw(2 * shift / width)], dim=1)
        down = torch.stack([sin, cos, draw(2 * shift / height)], dim=1)
        grid = F.affine_grid(torch.stack([across, down], dim=1), list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

    return augment


def random_crop_flip(padding: int = 4, flip: bool = True) -> Augment:
    """Make the usual augmentation of small photographs: pad with black, cut the old size out, maybe mirror.

    Each image is moved by a whole number of pixels from -`padding` to `padding` along both axes, and with
    `flip` mirrored left to right in one case of two (He et al. 2016, section 4.2). Not for digits: a
    mirrored 2 is not a 2. What is made takes images [N, C, H, W] and a generator, and returns images of the
    same shape.

    >>> images = torch.rand(4, 3, 32, 32)
    >>> random_crop_flip()(images, torch.Generator().manual_seed(0)).shape
    torch.Size([4, 3, 32, 32])
    """
    if padding < 0:
        raise ValueError(f"padding must be at least 0 pixels, got {padding}")

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = images.shape
        place = images.device
        tops, lefts = torch.randint(0, 2 * padding + 1, (2, count, 1), generator=generator, device=place)
        rows = tops + torch.arange(height, device=place)
        columns = lefts + torch.arange(width, device=place)
        if flip:
            mirrored = torch.rand(count, 1, generator=generator, device=place) < 0.5
            columns = torch.where(mirrored, columns.flip(1), columns)
        padded = F.pad(images, (padding,) * 4).permute(
            0, 2, 3, 1
        )  # channels last: a pixel is moved as a whole
        every = torch.arange(count, device=place)[:, None, None]
        return padded[every, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

    return augment
