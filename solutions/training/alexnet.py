"""AlexNet as published in 2012 and as one would build it today, on CIFAR-10 or on a folder of pictures.

The full runs wait for a GPU. The small ones, with a quarter of the channels and the first convolution for
63 x 63, prove the code with 6,000 images of CIFAR-10, re-encoded as JPEG, and 4 epochs: as published
23.54 % of the test images, modern 53.03 %.

Small run of 2026-11-21: 1 thread of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seed 0.

    python -m solutions.training.alexnet --device cuda       # both, three seeds each, at 227 x 227
    python -m solutions.training.alexnet --small --threads 1 # a quarter of the channels, 63 x 63, on a CPU
    python -m solutions.training.alexnet --folder PATH       # PATH/train and PATH/val with a folder per class
    python -m solutions.training.alexnet --quick             # does it run?

Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks" (2012). As
published: 60,965,224 parameters for 1,000 classes; layers 2, 4 and 5 in two groups, one per graphics card;
local response normalization; pooling windows of 3 x 3 that overlap by one; dropout; plain pixels less their
mean; weights drawn with a deviation of 0.01, and biases of 1 where ReLU would otherwise start dead. Modern:
the same five convolutions as one tower, in the widths of Krizhevsky's own later one (arXiv 1404.5997), with
batch normalization, He's initialization, and a head of one layer on the mean of each channel: 2,727,848
parameters. The network itself enlarges the images, on the device they lie on.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

from convcourse.cifar import MEAN, STD, FolderOfImages, cifar10
from convcourse.training import Augment, Normalize, Recipe, fit, random_crop_flip, set_seed
from solutions.training import reference
from solutions.training.reference import Reference, Variant

CHANNELS = (96, 256, 384, 384, 256)
CHANNELS_OF_ONE_TOWER = (64, 192, 384, 256, 256)
HIDDEN = 4096


class Resize(nn.Module):
    """Images [N, C, H, W] to [N, C, size, size], bilinear; those of that size pass as they are."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, images: Tensor) -> Tensor:
        """Images [N, C, size, size]."""
        if images.shape[-2:] == (self.size, self.size):
            return images
        return F.interpolate(images, size=(self.size, self.size), mode="bilinear", align_corners=False)

    def extra_repr(self) -> str:
        """What `print(network)` shows in the brackets."""
        return f"size={self.size}"


def response_norm() -> nn.LocalResponseNorm:
    """Section 3.3 of the paper: each value divided by (2 + 0.0001 * sum of squares over 5 channels) ** 0.75.
    PyTorch takes the mean over the 5 channels, so its alpha is 5 times the paper's."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def as_published(classes: int = 10, width: float = 1.0, size: int = 227, stride: int = 4) -> nn.Sequential:
    """Images [N, 3, H, W] from 0 to 1 in, logits [N, classes] out.

    `width` scales all channels; `size` and `stride` are those of the first convolution.
    """
    one, two, three, four, five = (round(width * channels) for channels in CHANNELS)
    side, hidden = places(size, stride), round(width * HIDDEN)
    network = nn.Sequential(
        Resize(size),
        Normalize(MEAN, (1 / 255,) * 3),  # from -128 to 128: the small first weights count on it
        *(nn.Conv2d(3, one, 11, stride), nn.ReLU(), response_norm(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(one, two, 5, padding=2, groups=2), nn.ReLU(), response_norm(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(two, three, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(three, four, 3, padding=1, groups=2), nn.ReLU()),
        *(nn.Conv2d(four, five, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten()),
        *(nn.Dropout(0.5), nn.Linear(five * side**2, hidden), nn.ReLU()),
        *(nn.Dropout(0.5), nn.Linear(hidden, hidden), nn.ReLU()),
        nn.Linear(hidden, classes),
    )
    layers = [module for module in network if isinstance(module, nn.Conv2d | nn.Linear)]
    for number, layer in enumerate(layers, start=1):
        # Fewer inputs add up to less, so a narrower network starts with larger weights.
        nn.init.normal_(layer.weight, std=0.01 / width**0.5)
        first_bias = 1.0 if number in (2, 4, 5, 6, 7) else 0.0
        layer.bias = nn.Parameter(torch.full((layer.weight.shape[0],), first_bias))
    return network


def modern(classes: int = 10, width: float = 1.0, size: int = 227, stride: int = 4) -> nn.Sequential:
    """The same five convolutions with today's means; arguments and shapes as for `as_published`."""
    one, two, three, four, five = (round(width * channels) for channels in CHANNELS_OF_ONE_TOWER)
    network = nn.Sequential(
        Resize(size),
        Normalize(MEAN, STD),
        *(*block(3, one, 11, stride=stride), nn.MaxPool2d(3, 2)),
        *(*block(one, two, 5, padding=2), nn.MaxPool2d(3, 2)),
        *block(two, three, 3, padding=1),
        *block(three, four, 3, padding=1),
        *block(four, five, 3, padding=1),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(five, classes)),
    )
    for module in network:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def block(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0
) -> list[nn.Module]:
    """A convolution, batch normalization, ReLU."""
    convolution = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
    return [convolution, nn.BatchNorm2d(out_channels), nn.ReLU()]


def places(size: int, stride: int) -> int:
    """The side of the last feature map: 6 for images of 227 and stride 4."""
    side = (size - 11) // stride + 1
    for _ in range(3):  # poolings with windows of 3 and stride 2
        side = (side - 3) // 2 + 1
    return side


def random_cut(size: int) -> Augment:
    """Make the augmentation as published: squares of `size` cut out anywhere, one in two mirrored."""

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = images.shape
        place = images.device
        tops = torch.randint(0, height - size + 1, (count, 1), generator=generator, device=place)
        lefts = torch.randint(0, width - size + 1, (count, 1), generator=generator, device=place)
        across = torch.arange(size, device=place).expand(count, size)
        mirrored = torch.rand(count, 1, generator=generator, device=place) < 0.5
        rows, columns = tops + across, lefts + torch.where(mirrored, across.flip(1), across)
        every = torch.arange(count, device=place)[:, None, None]
        # Channels last: a pixel is moved as a whole.
        pixels = images.permute(0, 2, 3, 1)
        return pixels[every, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

    return augment


def momentum(
    parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
) -> torch.optim.SGD:
    """Stochastic gradient descent with momentum 0.9, as published."""
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9, weight_decay=weight_decay)


def three_drops(optimizer: torch.optim.Optimizer, total_steps: int) -> LRScheduler:
    """The learning rate divided by 10 three times, as published; when, was chosen by hand there."""
    return MultiStepLR(optimizer, [round(share * total_steps) for share in (0.5, 0.75, 0.9)])


PUBLISHED_RECIPE = Recipe(
    epochs=60,
    batch_size=128,
    learning_rate=0.01,
    weight_decay=0.0005,
    augment=random_crop_flip(padding=4),
    optimizer=momentum,
    scheduler=three_drops,
)
MODERN_RECIPE = Recipe(
    epochs=60,
    batch_size=256,
    learning_rate=0.003,
    weight_decay=0.05,
    augment=random_crop_flip(padding=4),
    label_smoothing=0.1,
)
# A quarter of the channels, for images of 63: 63 -> 27 -> 13 -> 6 -> 2.
SMALL_SHAPE: dict[str, Any] = {"width": 0.25, "size": 63, "stride": 2}
REFERENCE = Reference(
    name="alexnet",
    title="AlexNet on CIFAR-10, as published and modern",
    variants={
        "as_published": Variant(as_published, PUBLISHED_RECIPE),
        "modern": Variant(modern, MODERN_RECIPE),
    },
    seeds=(0, 1, 2),
    validation=5_000,
    load=cifar10,
    small={"epochs": 4, "batch_size": 32, "seeds": (0,), "train_images": 6_000, "validation": 1_000},
)
SMALL = replace(
    REFERENCE,
    variants={
        # At 0.01 its few epochs end where they began, at chance (LOG.md).
        "as_published": Variant(
            lambda: as_published(**SMALL_SHAPE), replace(PUBLISHED_RECIPE, learning_rate=0.003)
        ),
        "modern": Variant(lambda: modern(**SMALL_SHAPE), MODERN_RECIPE),
    },
)


def train_folder(options: argparse.Namespace) -> None:
    """Train the modern network on PATH/train and measure it on PATH/val after each epoch.

    Nothing is recorded. The pictures are read while it trains, so any number of them will do.
    """
    train = FolderOfImages(options.folder / "train", size=256)
    valid = FolderOfImages(options.folder / "val", size=227)
    set_seed(0)
    network = modern(classes=len(train.classes))
    recipe = replace(MODERN_RECIPE, epochs=options.epochs, augment=random_cut(227))
    print(fit(network, train, valid, recipe, device=options.device))


def main() -> None:
    """The reference's command, or with --folder a training on one's own pictures."""
    if "--folder" not in sys.argv:
        reference.main(REFERENCE, SMALL)
        return
    options = argparse.ArgumentParser()
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--epochs", type=int, default=90)
    options.add_argument("--device", default="auto")
    train_folder(options.parse_args())


if __name__ == "__main__":
    main()
