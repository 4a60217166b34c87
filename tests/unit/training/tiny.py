"""A reference network small enough for a test: bars of 8 x 8 pixels, two variants, two seeds."""

from dataclasses import replace

import torch
from torch import nn

from convcourse.data import ImageSet
from convcourse.training import Normalize, Recipe, random_affine
from solutions.training import reference
from solutions.training.reference import Reference, Variant

LOADED = []  # what was asked for, in order


def load(part):
    """Images with a bright bar, upright (0) or level (1)."""
    LOADED.append(part)
    count = {"train": 90, "test": 40}[part]
    generator = torch.Generator().manual_seed(len(part))
    images = torch.randint(0, 60, (count, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % 2
    for place, label in enumerate(labels):
        images[place][3 if label else slice(None), slice(None) if label else 3] = 255
    return ImageSet(images, labels, "bars")


def build(width=4):
    """One convolution, ten scores."""
    layers = [Normalize(), nn.Conv2d(1, width, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(width, 10))


RECIPE = Recipe(epochs=2, batch_size=32, learning_rate=0.05, weight_decay=0.0, ema_decay=0.5)

REFERENCE = Reference(
    name="tiny",
    title="Bars",
    variants={
        "plain": Variant(build, RECIPE),
        "moved": Variant(build, replace(RECIPE, augment=random_affine(shift=1.0, rotate=0.0))),
    },
    seeds=(0, 1),
    validation=30,
    load=load,
    small={"epochs": 1, "seeds": (0,), "train_images": 32, "test_images": 20},
    measure=lambda network, test: {"bright": float(test.images.float().mean())},
)

if __name__ == "__main__":
    reference.main(REFERENCE)
