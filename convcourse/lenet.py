"""LeNet-5, as it was published and as it is built today.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proceedings of
the IEEE 86 (1998), section II-B, is the source of every number of `published`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

# Which of the six pooled maps each of the sixteen maps of C3 reads (their table I).
C3_READS = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


class Published(NamedTuple):
    """One layer of 1998: its maps, their height and width, what it learns, and its connections.

    A connection is one product or one bias that goes into one output value, so a shared weight has many.
    """

    name: str
    maps: int
    size: int
    parameters: int
    connections: int


def published() -> list[Published]:
    """The layers of the network of 1998, for an image of 32 x 32, in order.

    >>> sum(layer.parameters for layer in published()), sum(layer.connections for layer in published())
    (60000, 340908)
    """
    pairs = sum(len(read) for read in C3_READS)  # of a pooled map and a map that reads it: 60 of 6 * 16
    return [
        _layer("C1", 6, 28, weights=6 * 25),
        _layer("S2", 6, 14, weights=6, window=4),  # adds up four values, times one weight, plus one bias
        _layer("C3", 16, 10, weights=25 * pairs),
        _layer("S4", 16, 5, weights=16, window=4),
        _layer("C5", 120, 1, weights=120 * 16 * 25),
        _layer("F6", 84, 1, weights=84 * 120),
        Published("output", 10, 1, 0, 84 * 10),  # distances to ten fixed drawings of the digits
    ]


def _layer(name: str, maps: int, size: int, weights: int, window: int = 1) -> Published:
    return Published(name, maps, size, weights + maps, (weights * window + maps) * size**2)


def without_flattening(network: nn.Sequential, channels: int) -> nn.Sequential:
    """The same network as convolutions alone, so that it runs on larger images too.

    A linear layer behind `nn.Flatten` weighs all values of `channels` maps of K x K, which is what a
    convolution with a kernel of K x K does at one place; a linear layer behind that is a convolution of 1 x
    1. The weights are shared with `network`, not copied. On an image [N, C_in, H, W] of the old size the
    result is [N, C_out, 1, 1], on a larger one a map. ValueError where a flattened layer does not fit
    `channels` square maps.

    >>> network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 4 * 4, 10))
    >>> without_flattening(network, channels=2)(torch.zeros(1, 1, 7, 9)).shape
    torch.Size([1, 10, 2, 4])
    """
    layers: list[nn.Module] = []
    for layer in network:
        if isinstance(layer, nn.Linear):
            layers.append(_as_convolution(layer, channels))
            channels = layer.out_features
        elif not isinstance(layer, nn.Flatten):
            layers.append(layer)
    return nn.Sequential(*layers)


def _as_convolution(linear: nn.Linear, channels: int) -> nn.Conv2d:
    size = round((linear.in_features / channels) ** 0.5)
    if channels * size**2 != linear.in_features:
        raise ValueError(f"{linear.in_features} values are not {channels} square maps: is channels right?")
    layer = nn.Conv2d(channels, linear.out_features, size, bias=linear.bias is not None)
    layer.weight = nn.Parameter(linear.weight.detach().view(layer.weight.shape))
    layer.bias = linear.bias
    return layer


def on_canvas(images: Tensor, corners: Sequence[tuple[int, int]], size: int) -> Tensor:
    """A black canvas [size, size] with `images` [N, H, W] on it, their upper left corners at (row, column).

    >>> on_canvas(torch.ones(1, 1, 2), [(1, 0)], 2)
    tensor([[0., 0.],
            [1., 1.]])
    """
    canvas = torch.zeros(size, size)
    for image, (row, column) in zip(images, corners, strict=True):
        canvas[row : row + image.shape[0], column : column + image.shape[1]] = image
    return canvas


def on_the_way(network: nn.Sequential, image: Tensor) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What a network makes of one image [1, C, H, W]: its maps [C, H, W] by their size, and its logits.

    Kept are the input and what leaves a ReLU or a pooling layer, as long as there are maps.

    >>> maps, logits = on_the_way(nn.Sequential(nn.MaxPool2d(2), nn.Flatten()), torch.ones(1, 2, 4, 6))
    >>> list(maps), logits.shape
    (['2 × 4 × 6', '2 × 2 × 3'], (12,))
    """
    found, values = {_size(image): image[0].numpy()}, image
    with torch.no_grad():
        for layer in network:
            values = layer(values)
            if isinstance(layer, (nn.ReLU, nn.MaxPool2d)) and values.ndim == 4:
                found[_size(values)] = values[0].numpy()
    return found, values[0].numpy()


def _size(maps: Tensor) -> str:
    return " × ".join(map(str, maps.shape[1:]))
