"""MNIST with 995 parameters: 99.29 % of the test images, the mean of three seeds.

Run of 2026-11-21: 1 thread of 2 cores (AMD EPYC), Python 3.11.7, torch 2.15.0+cu132, seeds 0 to 2.

    python -m solutions.training.mnist_smallest            # three seeds, half an hour each on a processor
    python -m solutions.training.mnist_smallest --quick    # does it run?

What makes it small. A stroke is a stroke however it lies, so every kernel is learned once and used in the
eight positions of a square: four quarter turns, and those of its mirror image (Cohen and Welling 2016). Five
kernels make 40 maps. A 1 x 1 convolution mixes them by weights that depend on two kernels and on how their
positions look to each other: 200 in place of 1,600. Every block is a depthwise 3 x 3 convolution and a 1 x 1
one, and all blocks share the 1 x 1 one, as a recurrent convolution would (Liang and Hu 2015). Batch
normalization treats the eight maps of a kernel as one and learns a bias and no scale. So far a digit that is
turned gives the same maps, turned: a 6 looks like a 9. What tells them apart comes last: in place of global
average pooling each map is summed with weights for its rows and its columns (digits are centered), and ten
linear scores know which of the eight positions is which. The image loses two pixels on each side, and the
first layer takes 4 x 4 pixels at every second place.

Apart from what it learns the network keeps 140 means and variances, as batch normalization does anywhere.
ONNX has no word for a kernel that is turned: the graph holds each position once, and so 4,784 numbers.

How this was found, and what did not help, is in LOG.md.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convcourse.training import Normalize, Recipe, random_affine
from solutions.training import reference
from solutions.training.reference import Reference, Variant

KERNELS = 5  # of a layer; each makes eight maps
BLOCKS = 5
POOL_AFTER = 3  # blocks
SIDE = 6  # of the last map
RECIPE = Recipe(
    epochs=50,
    batch_size=128,
    learning_rate=0.02,
    weight_decay=0.0,
    augment=random_affine(shift=2.0, rotate=10.0, scale=0.12, shear=0.12),
    ema_decay=0.99,
)


def turned(kernels: Tensor) -> Tensor:
    """Kernels [..., k, k] in the eight positions of a square: [..., 8, k, k].

    Four quarter turns, then the mirrored kernel's four.

    >>> turned(torch.tensor([[1, 2], [3, 4]]))[[0, 1, 4]].tolist()
    [[[1, 2], [3, 4]], [[2, 4], [1, 3]], [[1, 3], [2, 4]]]
    """
    return torch.stack(
        [torch.rot90(side, n, (-2, -1)) for side in (kernels, kernels.mT) for n in range(4)], -3
    )


def relative_positions() -> Tensor:
    """[8, 8]: how position b looks from position a, as a position.

    Turned alike, a and b look to each other as before, so weights that are chosen by this number make a
    layer whose output turns with its input (Cohen and Welling 2016, section 6).
    """
    places = turned(torch.arange(9).reshape(3, 3)).flatten(1)  # what each position does to nine places
    undone = places.argsort(dim=1)
    seen = places[None, :].expand(8, 8, 9).gather(2, undone[:, None].expand(8, 8, 9))
    return (seen[:, :, None] == places).all(-1).long().argmax(-1)


class First(nn.Module):
    """A convolution whose every 4 x 4 kernel is used in its eight positions, at every second place."""

    def __init__(self, kernels: int):
        super().__init__()
        self.kernels = nn.Parameter(torch.randn(kernels, 4, 4) / 4)

    def forward(self, images: Tensor) -> Tensor:
        """Images [N, 1, H, W] in, maps [N, 8 * kernels, H / 2, W / 2] out."""
        return F.conv2d(images, turned(self.kernels).reshape(-1, 1, 4, 4), stride=2, padding=1)


class Depthwise(nn.Module):
    """A depthwise convolution: each 3 x 3 kernel works on its own eight maps, turned as they are."""

    def __init__(self, kernels: int):
        super().__init__()
        self.kernels = nn.Parameter(torch.empty(kernels, 3, 3).uniform_(-1 / 3, 1 / 3))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [N, 8 * kernels, H, W] in and out."""
        return F.conv2d(maps, turned(self.kernels).reshape(-1, 1, 3, 3), padding=1, groups=maps.shape[1])


class Pointwise(nn.Module):
    """A 1 x 1 convolution: a weight belongs to two kernels and to how their positions look to each other."""

    relative: Tensor

    def __init__(self, kernels: int):
        super().__init__()
        bound = (8 * kernels) ** -0.5
        self.weights = nn.Parameter(torch.empty(kernels, kernels, 8).uniform_(-bound, bound))
        self.register_buffer("relative", relative_positions(), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [N, 8 * kernels, H, W] in and out."""
        channels = maps.shape[1]
        mix = self.weights[:, :, self.relative].transpose(1, 2)  # [out, position, in, position]
        return F.conv2d(maps, mix.reshape(channels, channels, 1, 1))


class BiasedNorm(nn.BatchNorm2d):
    """Batch normalization of the eight maps of a kernel as one, with a learned bias and no scale."""

    ones: Tensor

    def __init__(self, kernels: int):
        super().__init__(kernels, affine=False)
        self.learned_bias = nn.Parameter(torch.zeros(kernels))
        self.register_buffer("ones", torch.ones(kernels), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [N, 8 * kernels, H, W]; a kernel's eight have the mean `learned_bias` and the variance 1."""
        eight_as_one = maps.unflatten(1, (-1, 8)).flatten(2, 3)  # [N, kernels, 8 * H, W]
        normalized = F.batch_norm(
            eight_as_one, self.running_mean, self.running_var, self.ones, self.learned_bias, self.training
        )
        return normalized.reshape(maps.shape)


class WeightedPool(nn.Module):
    """Sums each map with weights for its rows and for its columns, alike for the eight maps of a kernel."""

    def __init__(self, kernels: int):
        super().__init__()
        self.rows = nn.Parameter(torch.full((kernels, SIDE), 1 / SIDE))  # begins as global average pooling
        self.columns = nn.Parameter(torch.full((kernels, SIDE), 1 / SIDE))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [N, 8 * kernels, SIDE, SIDE] in, features [N, 8 * kernels] out."""
        by_kernel = maps.unflatten(1, (-1, 8))
        return torch.einsum("nkphw,kh,kw->nkp", by_kernel, self.rows, self.columns).flatten(1)


class Smallest(nn.Module):
    """Images [N, 1, 28, 28] from 0 to 1 in, logits [N, 10] out."""

    def __init__(self, kernels: int = KERNELS):
        super().__init__()
        self.normalize = Normalize()
        self.first = First(kernels)
        self.first_norm = BiasedNorm(kernels)
        self.depthwise = nn.ModuleList(Depthwise(kernels) for _ in range(BLOCKS))
        self.pointwise = Pointwise(kernels)
        self.norms = nn.ModuleList(BiasedNorm(kernels) for _ in range(BLOCKS))
        self.pool = WeightedPool(kernels)
        self.last_norm = nn.BatchNorm1d(8 * kernels, affine=False)
        self.classify = nn.Linear(8 * kernels, 10, bias=False)  # of normalized sums, and digits equally many

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, 10]."""
        inner = self.normalize(images[:, :, 2:-2, 2:-2])
        maps = F.relu(self.first_norm(self.first(inner)))  # 24 -> 12
        for block, (depthwise, norm) in enumerate(zip(self.depthwise, self.norms, strict=True), start=1):
            maps = self.pointwise(depthwise(maps))
            if block == POOL_AFTER:
                maps = F.max_pool2d(maps, 2)  # 12 -> 6
            maps = F.relu(norm(maps))
        return self.classify(self.last_norm(self.pool(maps)))


REFERENCE = Reference(
    name="mnist_smallest",
    title="MNIST with as few parameters as possible",
    variants={"": Variant(Smallest, RECIPE)},
    seeds=(0, 1, 2),
    small={"epochs": 2, "seeds": (0,), "train_images": 10_000},
)

if __name__ == "__main__":
    reference.main(REFERENCE)
