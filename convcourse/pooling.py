"""Pooling, written to be read: what goes forward, what comes back, and what a shift of the input changes.

Maps are tensors [..., H, W], such as a batch [N, C, H, W]: each map is pooled by itself. As in `torch.nn`,
the stride is the window's own size unless it is given, and sizes are one number for both axes or a pair.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from convcourse.arithmetic import Pair, _pair, _whole

BLUR = (1.0, 2.0, 1.0)  # the row of Pascal's triangle that is one pixel wider than a window of two


def windows(x: Tensor, kernel_size: Pair, stride: Pair | None = None) -> Tensor:
    """Every window of maps [..., H, W] as a view [..., H', W', kernel height, kernel width].

    >>> windows(torch.arange(4.0).reshape(1, 4), (1, 2)).tolist()
    [[[[0.0, 1.0]], [[2.0, 3.0]]]]
    """
    (high, wide), (down, right) = _sizes(kernel_size, stride)
    if x.ndim < 2 or x.shape[-2] < high or x.shape[-1] < wide:
        raise ValueError(f"a window of {high} x {wide} does not fit into maps of the shape {list(x.shape)}")
    return x.unfold(-2, high, down).unfold(-2, wide, right)  # each adds an axis at the end


def max_pool(x: Tensor, kernel_size: Pair, stride: Pair | None = None) -> Tensor:
    """The largest value of each window: [..., H, W] -> [..., H', W'].

    >>> max_pool(torch.tensor([[1, 5, 2, 0], [3, 4, 0, 1]]), 2).tolist()
    [[5, 2]]
    """
    return windows(x, kernel_size, stride).amax((-2, -1))


def average_pool(x: Tensor, kernel_size: Pair, stride: Pair | None = None) -> Tensor:
    """The mean of each window: [..., H, W] -> [..., H', W'].

    >>> average_pool(torch.tensor([[1.0, 5, 2, 0], [3, 4, 0, 1]]), 2).tolist()
    [[3.25, 0.75]]
    """
    return windows(x, kernel_size, stride).mean((-2, -1))


def max_pool_backward(x: Tensor, gradient: Tensor, kernel_size: Pair, stride: Pair | None = None) -> Tensor:
    """What max pooling hands back: dL/dx [..., H, W] from `gradient`, dL/dy [..., H', W'].

    Each window sends its gradient to its largest value, the first in reading order where several are equal.
    Where windows overlap, a value that won several of them adds up what they send.

    >>> x, gradient = torch.tensor([[1.0, 5, 2], [3, 4, 0]]), torch.tensor([[10.0, 1]])
    >>> max_pool_backward(x, gradient, 2, stride=1).tolist()  # 5 is the largest of both windows
    [[0.0, 11.0, 0.0], [0.0, 0.0, 0.0]]
    """

    def to_the_winner(window: Tensor) -> Tensor:
        return F.one_hot(window.argmax(-1), window.shape[-1])  # argmax gives the first of equal ones

    return _hand_back(x, gradient, kernel_size, stride, to_the_winner)


def average_pool_backward(
    x: Tensor, gradient: Tensor, kernel_size: Pair, stride: Pair | None = None
) -> Tensor:
    """What average pooling hands back: each window's gradient, in equal shares to all of its values.

    >>> average_pool_backward(torch.zeros(2, 3), torch.tensor([[4.0, 8]]), 2, stride=1).tolist()
    [[1.0, 3.0, 2.0], [1.0, 3.0, 2.0]]
    """
    return _hand_back(
        x, gradient, kernel_size, stride, lambda window: torch.ones_like(window) / window.shape[-1]
    )


def blur(x: Tensor, stride: int = 2, taps: Sequence[float] = BLUR, border: str = "constant") -> Tensor:
    """Maps [..., H, W] blurred along both axes, then every `stride`-th value kept.

    `taps` are the weights along one axis, made to add up to 1; their number is odd. `border` says what lies
    around a map: "constant" (zeros), "reflect", "replicate", or "circular" (its other side).

    >>> blur(torch.tensor([[0.0, 1, 0, 1, 0, 1]] * 2), border="circular").tolist()
    [[0.5, 0.5, 0.5]]
    """
    return _blur(_surround(x, len(taps) // 2, border), stride, taps)


def max_blur_pool(
    x: Tensor, stride: int = 2, taps: Sequence[float] = BLUR, border: str = "constant"
) -> Tensor:
    """Max pooling that shifts disturb less: the largest of 2 x 2 at *every* place, blurred, then thinned out.

    Arguments and result are those of `blur`.

    >>> signal = torch.tensor([[0.0, 0, 1, 1, 0, 0, 1, 1]] * 2)
    >>> max_blur_pool(signal, border="circular").tolist(), max_pool(signal, 2).tolist()
    ([[0.5, 1.0, 0.5, 1.0]], [[0.0, 1.0, 0.0, 1.0]])
    """
    return _blur(max_pool(_surround(x, len(taps) // 2, border), 2, stride=1), stride, taps)


def changes(
    layer: Callable[[Tensor], Tensor], images: Tensor, shifts: Sequence[int], period: int = 0
) -> list[float]:
    """By how many percent what `layer` makes of images [N, C, H, W] changes when they move to the right.

    One number for each of `shifts`, in pixels: the mean over the images of what `change` says of each. With a
    `period`, the pixels that make one place of the maps, the maps are first moved back, around the border, by
    the whole number of places that fits best.

    >>> dot = F.pad(torch.ones(1, 1, 1, 1), (0, 7, 0, 7))  # in a corner: moved by 1, it stays in its window
    >>> [round(n) for n in changes(lambda maps: max_pool(maps, 2), dot, [0, 1, 3])]
    [0, 0, 141]
    >>> changes(lambda maps: max_pool(maps, 2), dot, [2, 3], period=2)
    [0.0, 0.0]
    """
    before, found = layer(images), []
    for shift in shifts:
        after = layer(move(images, 0, shift))
        places = {shift // period, -(-shift // period)} if period else {0}
        moved = [after.roll(-step, -1) if step else after for step in places]
        lengths = [(one - before).flatten(1).norm(dim=1) / before.flatten(1).norm(dim=1) for one in moved]
        found.append(100 * min(float(length.mean()) for length in lengths))
    return found


# What halves a map, behind a convolution and ReLU, in the networks of solutions/training/pooling_mnist.py.
# A stride of the convolution computes what stride 1 does, at every second place.
HALVINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "stride": lambda maps: maps[..., ::2, ::2],
    "average": lambda maps: F.avg_pool2d(maps, 2),
    "max": lambda maps: F.max_pool2d(maps, 2),
    "blur": lambda maps: blur(F.max_pool2d(maps, 2, stride=1)),
}


def last_maps(images: Tensor, weights: Mapping[str, Tensor], halving: str) -> Tensor:
    """The last maps [N, 32, H / 4, W / 4] of such a network, from images [N, 1, H, W] of 0 to 1.

    `weights` are its `state_dict`; the numbers of its layers in there depend on the halving.

    >>> shapes = {"1": (8, 1, 5, 5), "4": (16, 8, 3, 3), "7": (32, 16, 3, 3)}
    >>> weights = {f"{n}.weight": torch.ones(size) for n, size in shapes.items()}
    >>> weights |= {f"{n}.bias": torch.zeros(size[0]) for n, size in shapes.items()}
    >>> last_maps(torch.ones(2, 1, 28, 40), weights, "max").shape
    torch.Size([2, 32, 7, 10])
    """
    layers = sorted({int(name.split(".")[0]) for name in weights})[:3]
    maps = (images - 0.1307) / 0.3081
    for number, layer in enumerate(layers):
        weight, bias = weights[f"{layer}.weight"], weights[f"{layer}.bias"]
        maps = F.relu(F.conv2d(maps, weight, bias, padding=weight.shape[-1] // 2))
        maps = HALVINGS[halving](maps) if number < 2 else maps
    return maps


def _hand_back(
    x: Tensor, gradient: Tensor, kernel_size: Pair, stride: Pair | None, shares: Callable[[Tensor], Tensor]
) -> Tensor:
    """Each window's gradient to its values, by `shares` of a window [..., places]; overlaps add up."""
    (high, wide), (down, right) = _sizes(kernel_size, stride)
    seen = windows(x, kernel_size, stride)
    if gradient.shape != seen.shape[:-2]:
        raise ValueError(
            f"the gradient must have the shape {list(seen.shape[:-2])}, got {list(gradient.shape)}"
        )
    back = torch.zeros_like(x)
    for i in range(gradient.shape[-2]):
        for j in range(gradient.shape[-1]):
            share = shares(seen[..., i, j, :, :].flatten(-2)).unflatten(-1, (high, wide))
            rows, columns = slice(i * down, i * down + high), slice(j * right, j * right + wide)
            back[..., rows, columns] += share * gradient[..., i, j, None, None]
    return back


def _surround(x: Tensor, around: int, border: str) -> Tensor:
    planes = x.reshape(-1, 1, *x.shape[-2:])  # what F.pad takes, whatever the number of axes
    padded = F.pad(planes, (around,) * 4, mode=border)
    return padded.reshape(*x.shape[:-2], *padded.shape[-2:])


def _blur(x: Tensor, stride: int, taps: Sequence[float]) -> Tensor:
    """Blurred where all taps lie inside."""
    if len(taps) % 2 == 0:
        raise ValueError(f"taps must be an odd number of weights, got {len(taps)}")
    row = torch.as_tensor(taps, dtype=x.dtype) / sum(taps)
    planes = x.reshape(-1, 1, *x.shape[-2:])  # a channel of its own each, so that no sum mixes them
    planes = F.conv2d(planes, row.view(1, 1, 1, -1), stride=(1, stride))
    planes = F.conv2d(planes, row.view(1, 1, -1, 1), stride=(stride, 1))
    return planes.reshape(*x.shape[:-2], *planes.shape[-2:])


def bins(size: int, count: int) -> list[tuple[int, int]]:
    """`count` bins that cover `size` values in order, each as (start, stop): those of adaptive pooling.

    Bin i goes from i * size / count, rounded down, to (i + 1) * size / count, rounded up. Bins share values
    where `count` does not divide `size`.

    >>> bins(10, 3)
    [(0, 4), (3, 7), (6, 10)]
    >>> bins(2, 3)
    [(0, 1), (0, 2), (1, 2)]
    """
    size, count = _whole("size", size, least=1), _whole("count", count, least=1)
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def adaptive_pool(x: Tensor, count: Pair, reduce: Callable[..., Tensor] = torch.amax) -> Tensor:
    """Maps [..., H, W] of any size in `count` bins along each axis, each bin made one number by `reduce`.

    >>> adaptive_pool(torch.arange(10.0).expand(2, 10), (1, 3)).tolist()
    [[3.0, 6.0, 9.0]]
    """
    rows, columns = (bins(n, m) for n, m in zip(x.shape[-2:], _pair("count", count, least=1), strict=True))
    values = [
        [reduce(x[..., top:bottom, left:right], (-2, -1)) for left, right in columns] for top, bottom in rows
    ]
    return torch.stack([torch.stack(line, -1) for line in values], -2)


def pyramid(x: Tensor, levels: Sequence[int], reduce: Callable[..., Tensor] = torch.amax) -> Tensor:
    """Spatial pyramid pooling: [N, C, H, W] of any height and width -> [N, C * (sum of squares of levels)].

    Level n pools each map into n x n bins. One level comes after the other, each with its channels in order.

    >>> pyramid(torch.rand(5, 8, 13, 17), levels=[1, 2, 4]).shape
    torch.Size([5, 168])
    """
    return torch.cat([adaptive_pool(x, level, reduce).flatten(1) for level in levels], 1)


def move(x: Tensor, down: int, right: int) -> Tensor:
    """Maps [..., H, W] moved by whole pixels; what leaves is lost, what enters is 0.

    >>> move(torch.tensor([[1, 2], [3, 4]]), down=1, right=0).tolist()
    [[0, 0], [1, 2]]
    """
    return F.pad(x, (right, -right, down, -down))


def change(before: Tensor, after: Tensor) -> float:
    """How far `after` is from `before`: the length of the difference per length of `before`, over all values.

    0 where nothing changed; about 1.4 where the two have nothing in common.

    >>> change(torch.tensor([0.0, 4.0]), torch.tensor([3.0, 4.0]))
    0.75
    """
    return float((after - before).norm() / before.norm())


def _sizes(kernel_size: Pair, stride: Pair | None) -> tuple[tuple[int, int], tuple[int, int]]:
    """Window and stride as pairs; without a stride, windows lie next to each other."""
    kernel = _pair("kernel_size", kernel_size, least=1)
    return kernel, kernel if stride is None else _pair("stride", stride, least=1)
