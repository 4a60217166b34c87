"""Training ingredients, one at a time: a small network on 10,000 digits, and what each change does.

Run of 2026-11-21: 1 thread of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seeds 0 to 2.

The baseline (6,186 parameters): 97.63 % of the test images as mean of three seeds. What each arm adds
to that, in percentage points, and the standard deviation of this difference over the seeds:

    batch_norm        +0.28  0.03
    layer_norm        -0.27  0.24
    weight_norm       -0.14  0.09
    init_tiny         -3.02  1.94
    init_xavier       +0.10  0.16
    init_pytorch      -0.15  0.11
    sigmoid          -11.91  0.69
    leaky_relu        -0.06  0.05
    elu               +0.26  0.08
    selu              +0.27  0.14
    dropout           -0.05  0.12
    label_smoothing   +0.30  0.05
    augmentation      +0.15  0.23
    sgd               -1.08  0.63
    momentum          -1.83  2.40
    rmsprop           +0.31  0.02
    adam              -0.04  0.09
    constant          -0.97  0.45
    cyclic            +0.00  0.18
    progressive       -2.46  0.57

    python -m solutions.training.ingredients             # all arms, three seeds each
    python -m solutions.training.ingredients --variants baseline batch_norm
    python -m solutions.training.ingredients --quick     # does it run?

The baseline has four convolutions, ReLU, He's initialization and no normalization, and is trained for sixteen
epochs with AdamW, the learning rate going up once and down again. Each arm changes one thing and keeps the
rest, the order of the images too. Its effect is its accuracy minus the baseline's, seed by seed: `effects`
takes mean and spread of these differences from metrics.json. An optimizer comes with a learning rate of its
own, since the same number means something else to each, and so does the constant rate: of two or three
tried, the one with the best validation accuracy for seed 0.

An effect smaller than its spread is none that three seeds can show. Batch normalization, label smoothing,
ELU, SELU and RMSProp each gain about a third of a point, about twice their spread or far more; a constant
rate, sigmoids and half the resolution lose clearly, tiny weights and SGD probably; the rest cannot be told
from nothing.
Sixteen epochs on 10,000 images still favor what learns fast: dropout and augmentation need longer to pay.
LOG.md has what four epochs gave.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.optim import SGD, Adam, Optimizer, RMSprop
from torch.optim.lr_scheduler import ConstantLR, CyclicLR, LRScheduler

from convcourse.data import ImageSet
from convcourse.training import Normalize, Recipe, random_affine
from solutions.training import reference
from solutions.training.reference import Reference, Variant, load_mnist

# (channels, kernel size, stride) of the convolutions; after the first, the map is halved by max pooling.
CONVOLUTIONS = ((8, 5, 2), (16, 3, 1), (16, 3, 1), (16, 3, 1))
TRAIN, VALIDATION, EPOCHS, BATCH = 10_000, 5_000, 16, 128
STEPS = EPOCHS * -(-TRAIN // BATCH)

Init = Callable[[Tensor], Any]
Wrap = Callable[[nn.Module], nn.Module]


def he(weight: Tensor) -> None:
    """Standard deviation sqrt(2 / inputs), for ReLU: He et al. 2015."""
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def build(
    norm: Callable[[int], nn.Module] | None = None,
    activation: Callable[[], nn.Module] = nn.ReLU,
    init: Init | None = he,
    dropout: float = 0.0,
    wrap: Wrap | None = None,
) -> nn.Sequential:
    """The network: images [N, 1, H, W] from 0 to 1 in, logits [N, 10] out.

    `norm` makes a normalization of so many channels, to stand behind each convolution; `init` fills
    weights, None leaves PyTorch's; `wrap` is applied to each convolution last.
    """
    layers: list[nn.Module] = [Normalize()]
    channels = 1
    for number, (width, size, stride) in enumerate(CONVOLUTIONS):
        convolution = nn.Conv2d(channels, width, size, stride, padding=size // 2)
        if init:
            init(convolution.weight)
            convolution.bias = nn.Parameter(torch.zeros(width))
        layers += [wrap(convolution) if wrap else convolution]
        layers += [norm(width)] if norm else []
        layers += [activation()]
        layers += [nn.MaxPool2d(2)] if number == 0 else []
        channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(channels, 10))


class CoarseFirst(nn.Module):
    """Trains on images of half the height and width for so many batches, then on whole ones.

    The batches seen are counted in a buffer, so a training that is taken up again knows where it is.
    """

    seen: Tensor

    def __init__(self, network: nn.Module, coarse_batches: int):
        super().__init__()
        self.network, self.coarse_batches = network, coarse_batches
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, 10]."""
        if self.training:
            self.seen += 1
            if self.seen <= self.coarse_batches:
                images = F.avg_pool2d(images, 2)
        return self.network(images)


def progressive() -> CoarseFirst:
    """Half resolution for the first half of the training."""
    return CoarseFirst(build(), STEPS // 2)


def layer_norm(channels: int) -> nn.Module:
    """Layer normalization of a map: mean and variance over all its channels and places, image by image."""
    return nn.GroupNorm(1, channels)


def sgd(parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> Optimizer:
    """Stochastic gradient descent and nothing else."""
    return SGD(parameters, lr=learning_rate)


def momentum(parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> Optimizer:
    """SGD with momentum 0.9."""
    return SGD(parameters, lr=learning_rate, momentum=0.9)


def rmsprop(parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> Optimizer:
    """RMSProp (Hinton's lecture 6e, 2012)."""
    return RMSprop(parameters, lr=learning_rate)


def adam(parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> Optimizer:
    """Adam (Kingma and Ba 2015), without weight decay."""
    return Adam(parameters, lr=learning_rate)


def constant(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """The same learning rate all the time."""
    return ConstantLR(optimizer, factor=1.0)


def cyclic(optimizer: Optimizer, total_steps: int) -> LRScheduler:
    """Two triangles between a tenth of the learning rate and all of it (Smith 2017)."""
    top = optimizer.param_groups[0]["lr"]
    return CyclicLR(optimizer, top / 10, top, step_size_up=max(total_steps // 4, 1), cycle_momentum=False)


def first_digits(part: Any) -> ImageSet:
    """Of the training images only as many as are trained and validated on; all test images."""
    digits = load_mnist(part)
    return digits[: TRAIN + VALIDATION] if part == "train" else digits


BASELINE = Recipe(epochs=EPOCHS, batch_size=BATCH, learning_rate=0.02, weight_decay=0.01)


def arm(network: Callable[[], nn.Module] = build, **changes: Any) -> Variant:
    """The baseline with one thing changed: its network, or a field of its recipe."""
    return Variant(network, replace(BASELINE, **changes))


ARMS = {
    "baseline": arm(),
    # normalization
    "batch_norm": arm(partial(build, norm=nn.BatchNorm2d)),
    "layer_norm": arm(partial(build, norm=layer_norm)),
    "weight_norm": arm(partial(build, wrap=weight_norm)),
    # initialization: the baseline has He's
    "init_tiny": arm(partial(build, init=partial(nn.init.normal_, std=0.001))),
    "init_xavier": arm(partial(build, init=nn.init.xavier_normal_)),
    "init_pytorch": arm(partial(build, init=None)),
    # activation: the baseline has ReLU
    "sigmoid": arm(partial(build, activation=nn.Sigmoid)),
    "leaky_relu": arm(partial(build, activation=nn.LeakyReLU)),
    "elu": arm(partial(build, activation=nn.ELU)),
    "selu": arm(partial(build, activation=nn.SELU)),
    # regularization
    "dropout": arm(partial(build, dropout=0.2)),
    "label_smoothing": arm(label_smoothing=0.1),
    "augmentation": arm(augment=random_affine(shift=1.5, rotate=8.0, scale=0.08)),
    # optimizer: the baseline has AdamW
    "sgd": arm(optimizer=sgd, learning_rate=0.1),
    "momentum": arm(optimizer=momentum, learning_rate=0.05),
    "rmsprop": arm(optimizer=rmsprop, learning_rate=0.003),
    "adam": arm(optimizer=adam),
    # schedule: the baseline's learning rate goes up once and down again
    "constant": arm(scheduler=constant, learning_rate=0.01),
    "cyclic": arm(scheduler=cyclic),
    # resolution
    "progressive": arm(progressive),
}


REFERENCE = Reference(
    name="ingredients",
    title="Training ingredients, one at a time",
    variants=ARMS,
    seeds=(0, 1, 2),
    validation=VALIDATION,
    load=first_digits,
    small={"epochs": 1, "seeds": (0,), "train_images": 2_000},
)

if __name__ == "__main__":
    reference.main(REFERENCE)
