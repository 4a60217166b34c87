"""Training ingredients, one at a time: a small network on 10,000 digits, and what each change does.

The baseline (6,186 parameters): 92.31 % of the test images as mean of three seeds. What each arm adds
to that, in percentage points, and the standard deviation of this difference over the seeds:

    batch_norm        -0.13  5.70
    layer_norm        -0.71  1.02
    weight_norm       -0.84  1.93
    init_tiny        -47.38  19.27
    init_xavier       -1.38  1.49
    init_pytorch      -5.68  2.99
    sigmoid          -59.14  2.60
    leaky_relu        +0.40  1.30
    elu               -1.35  3.34
    selu              +1.17  1.82
    dropout           +0.71  1.58
    label_smoothing   +1.74  1.38
    augmentation      -2.73  2.90
    sgd              -26.56  9.91
    momentum         -11.40  16.86
    rmsprop           -8.41  6.55
    adam              -0.08  0.94
    cyclic            +1.96  1.62
    one_cycle         +3.35  1.10
    progressive       -8.72  5.27

    python solutions/training/ingredients.py             # all arms, three seeds each
    python solutions/training/ingredients.py --variants baseline batch_norm
    python solutions/training/ingredients.py --quick     # does it run?

The baseline has four convolutions, ReLU, He's initialization and no normalization, and is trained for four
epochs with AdamW at a constant learning rate. Each arm changes one thing and keeps the rest, the order of the
images too. Its effect is its accuracy minus the baseline's, seed by seed: `effects` takes mean and spread of
these differences from metrics.json. An optimizer comes with a learning rate of its own, since the same number
means something else to each, and so does a schedule that reaches its rate only for a moment.

So short a training favors what learns fast; what keeps a network from learning its images by heart (dropout,
smoothing, augmentation) has no time to pay. At a constant rate the last batches still move the weights a good
deal, which makes spreads wide: batch normalization gains with two seeds and loses with the third. An effect
smaller than its spread is none that three seeds can show.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from statistics import mean, stdev
from typing import Any

import reference
import torch
from reference import Reference, Variant, load_mnist
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.optim import SGD, Adam, Optimizer, RMSprop
from torch.optim.lr_scheduler import ConstantLR, CyclicLR, LRScheduler

from convcourse.data import ImageSet
from convcourse.training import Normalize, one_cycle

# (channels, kernel size, stride) of the convolutions; after the first, the map is halved by max pooling.
CONVOLUTIONS = ((8, 5, 2), (16, 3, 1), (16, 3, 1), (16, 3, 1))
TRAIN, VALIDATION, EPOCHS, BATCH = 10_000, 5_000, 4, 128
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
            nn.init.zeros_(convolution.bias)
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


BASELINE: Mapping[str, Any] = {
    "epochs": EPOCHS,
    "batch_size": BATCH,
    "learning_rate": 0.005,
    "weight_decay": 0.01,
    "schedule": constant,
}


def arm(network: Callable[[], nn.Module] = build, augment: Any = None, **recipe: Any) -> Variant:
    """The baseline with one thing changed."""
    return Variant(network, {**BASELINE, **recipe}, augment)


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
    "augmentation": arm(augment={"shift": 1.5, "rotate": 8.0, "scale": 0.08}),
    # optimizer: the baseline has AdamW
    "sgd": arm(optimizer=sgd, learning_rate=0.1),
    "momentum": arm(optimizer=momentum, learning_rate=0.05),
    "rmsprop": arm(optimizer=rmsprop, learning_rate=0.003),
    "adam": arm(optimizer=adam),
    # schedule: the baseline's learning rate is constant
    "cyclic": arm(schedule=cyclic, learning_rate=0.01),
    "one_cycle": arm(schedule=one_cycle, learning_rate=0.02),
    # resolution
    "progressive": arm(progressive),
}


def effects(metrics: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Of each arm, mean and standard deviation of its test accuracy minus the baseline's with the same seed.

    >>> rows = [("baseline", 0, 0.90), ("baseline", 1, 0.92), ("elu", 0, 0.93), ("elu", 1, 0.93)]
    >>> table = [{"variant": name, "seed": seed, "test_accuracy": right} for name, seed, right in rows]
    >>> [round(value, 4) for value in effects({"seeds": table})["elu"]]
    [0.02, 0.0141]
    """
    found: dict[str, dict[int, float]] = {}
    for row in metrics["seeds"]:
        found.setdefault(row["variant"], {})[row["seed"]] = row["test_accuracy"]
    base = found.pop("baseline")
    differences = {name: [right[seed] - base[seed] for seed in right] for name, right in found.items()}
    return {
        name: (mean(values), stdev(values) if len(values) > 1 else 0.0)
        for name, values in differences.items()
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
