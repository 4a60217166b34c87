"""Four ways to halve a map, in the same small network (6,346 parameters): what each is worth on MNIST.

Run of 2026-11-27: 1 thread of 2 cores (Intel(R) Xeon(R) Processor), Python 3.11.7, torch 2.15.0+cu132,
seeds 0 to 2. Test images read, and answers kept after a move by one pixel:

    max       98.35 %  98.58 %
    average   98.02 %  98.72 %
    stride    97.83 %  97.94 %
    blur      98.27 %  99.12 %

    python -m solutions.training.pooling_mnist            # three seeds of four networks, a minute each
    python -m solutions.training.pooling_mnist --quick    # does it run?

Three convolutions and global average pooling; between them the map is halved twice, by max pooling, by
average pooling, by a stride of the convolution itself, or by max pooling at every place and a blur before the
stride. All four have the same parameters. They are trained on centered digits alone, and measured on digits
moved by 1 to 4 pixels. `kept_1` is the share of test images for which the answer, right or wrong, stays the
same when the digit moves by one pixel, as a mean over eight directions.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convcourse.data import ImageSet
from convcourse.training import Normalize, Recipe
from solutions.training import reference
from solutions.training.mlp_mnist import DIRECTIONS, on_shifted_digits, shift
from solutions.training.reference import Reference, Variant

RECIPE = Recipe(epochs=6, batch_size=128, learning_rate=0.01, weight_decay=0.01)


class Blur(nn.Module):
    """[1 2 1] / 4 along both axes of [N, C, H, W], then every second value; learns nothing."""

    taps: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([0.25, 0.5, 0.25])
        taps = row[:, None] * row
        self.register_buffer("taps", taps.expand(channels, 1, 3, 3).contiguous(), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, (H + 1) // 2, (W + 1) // 2]."""
        return F.conv2d(maps, self.taps, stride=2, padding=1, groups=len(self.taps))


def build(halve: str) -> nn.Sequential:
    """The network: images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""

    def block(inputs: int, outputs: int, size: int) -> list[nn.Module]:
        step = 2 if halve == "stride" else 1
        after: dict[str, list[nn.Module]] = {
            "max": [nn.MaxPool2d(2)],
            "average": [nn.AvgPool2d(2)],
            "stride": [],
            "blur": [nn.MaxPool2d(2, stride=1), Blur(outputs)],
        }
        return [nn.Conv2d(inputs, outputs, size, stride=step, padding=size // 2), nn.ReLU(), *after[halve]]

    return nn.Sequential(
        Normalize(),
        *block(1, 8, 5),  # 28 -> 14
        *block(8, 16, 3),  # 14 -> 7
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),  # 7 -> one value per channel
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def on_moved_digits(model: nn.Module, test: ImageSet) -> dict[str, float]:
    """Accuracy on digits moved by 1 to 4 pixels, and how often an answer outlives a move by one pixel."""

    @torch.no_grad()
    def answers(images: Tensor) -> Tensor:
        scaled = (part[:, None].float().div(255) for part in images.split(1000))
        return torch.cat([model(part).argmax(1) for part in scaled])

    before = answers(test.images)
    kept = [(answers(shift(test.images, *step)) == before).float().mean().item() for step in DIRECTIONS]
    return {**on_shifted_digits(model, test), "kept_1": sum(kept) / len(kept)}


REFERENCE = Reference(
    name="pooling_mnist",
    title="Four ways to halve a map on MNIST",
    variants={name: Variant(partial(build, name), RECIPE) for name in ("max", "average", "stride", "blur")},
    seeds=(0, 1, 2),
    small={"epochs": 2, "seeds": (0,), "train_images": 10_000},
    measure=on_moved_digits,
)

if __name__ == "__main__":
    reference.main(REFERENCE)
