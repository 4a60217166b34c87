"""YOLOv2's passthrough on CIFAR-10: Darknet-19 with the connection from layer 13, and from layer 12.

The full runs, 30 epochs of each, wait for a GPU. The small ones, an eighth of the channels, 10,000 images of
CIFAR-10 re-encoded as JPEG and 8 epochs, prove the code and show no difference that two seeds could tell:

    | connection from layer | seed 0, test images | seed 1 |
    |---|---|---|
    | 13 | 42.75 % | 42.33 % |
    | 12 | 42.79 % | 42.72 % |

Small run of 2026-11-21: 1 thread of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seeds 0 to 1.

    python -m solutions.training.skip_passthrough --device cuda       # both, three seeds each
    python -m solutions.training.skip_passthrough --small --threads 1 # an eighth of the channels, on a CPU
    python -m solutions.training.skip_passthrough --quick             # does it run?

Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger" (2017): 20 convolutions with batch normalization and
leaky ReLU, five times halved by max pooling. The passthrough takes an earlier, finer map, narrows it to 64
channels, folds each 2 x 2 square of places into channels (space to depth) so that it is as coarse as the
last map, and is concatenated with that. Layer 13 has 512 channels from a 3 x 3 convolution; layer 12, which
feeds it, has 256 from a 1 x 1. Images of 32 x 32 end as a map of 1 x 1.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convcourse.cifar import MEAN, STD, cifar10
from convcourse.training import Normalize, Recipe, random_crop_flip
from solutions.training import reference
from solutions.training.reference import Reference, Variant

POOL = None
# (channels, kernel size) of each convolution, in order: thirteen, then seven.
FIRST_13 = (
    *((32, 3), POOL),
    *((64, 3), POOL),
    *((128, 3), (64, 1), (128, 3), POOL),
    *((256, 3), (128, 1), (256, 3), POOL),
    *((512, 3), (256, 1), (512, 3), (256, 1), (512, 3)),
)
LAST_7 = (POOL, (1024, 3), (512, 1), (1024, 3), (512, 1), (1024, 3), (1024, 3), (1024, 3))
NARROWED = 64


def convolution(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    """Convolution of the same size, batch normalization, leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.LeakyReLU(0.1),
    )


def stack(in_channels: int, layers: tuple, width: float) -> list[nn.Module]:
    """The layers of a table such as FIRST_13; `width` scales all channels."""
    modules: list[nn.Module] = []
    for layer in layers:
        if layer is POOL:
            modules.append(nn.MaxPool2d(2))
            continue
        channels = round(width * layer[0])
        modules.append(convolution(in_channels, channels, layer[1]))
        in_channels = channels
    return modules


class Passthrough(nn.Module):
    """Images [N, 3, H, W] from 0 to 1 in, H and W multiples of 32; logits [N, 10] out.

    `layer`, 12 or 13, is where the connection starts.
    """

    def __init__(self, layer: int, width: float = 1.0):
        super().__init__()
        if layer not in (12, 13):
            raise ValueError(f"layer must be 12 or 13, got {layer}")
        layers = stack(3, FIRST_13, width)
        fork = len(layers) - (13 - layer)
        narrowed, last = round(width * NARROWED), round(width * 1024)
        self.normalize = Normalize(MEAN, STD)
        self.before, self.between = nn.Sequential(*layers[:fork]), nn.Sequential(*layers[fork:])
        self.deep = nn.Sequential(*stack(round(width * 512), LAST_7, width))
        self.narrow = convolution(round(width * (512 if layer == 13 else 256)), narrowed, 1)
        self.joined = convolution(4 * narrowed + last, last, 3)
        self.classify = nn.Conv2d(last, 10, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, 10]."""
        fine = self.before(self.normalize(images))  # twice as fine as what comes out of `deep`
        coarse = self.deep(self.between(fine))
        folded = F.pixel_unshuffle(self.narrow(fine), 2)  # [N, 64, 2h, 2w] -> [N, 256, h, w]
        joined = self.joined(torch.cat([folded, coarse], dim=1))
        return self.classify(joined).mean((2, 3))


def layer_13() -> Passthrough:
    """The connection of YOLOv2."""
    return Passthrough(13)


def layer_12() -> Passthrough:
    """The connection one layer earlier."""
    return Passthrough(12)


RECIPE = Recipe(
    epochs=30,
    batch_size=128,
    learning_rate=0.002,
    weight_decay=0.05,
    augment=random_crop_flip(padding=4),
)
REFERENCE = Reference(
    name="skip_passthrough",
    title="A passthrough from layer 13 and from layer 12 on CIFAR-10",
    variants={"layer_13": Variant(layer_13, RECIPE), "layer_12": Variant(layer_12, RECIPE)},
    seeds=(0, 1, 2),
    validation=5_000,
    load=cifar10,
    small={"epochs": 8, "seeds": (0, 1), "train_images": 10_000},
)
SMALL = replace(
    REFERENCE,
    variants={
        "layer_13": Variant(lambda: Passthrough(13, width=1 / 8), RECIPE),
        "layer_12": Variant(lambda: Passthrough(12, width=1 / 8), RECIPE),
    },
)

if __name__ == "__main__":
    reference.main(REFERENCE, SMALL)
