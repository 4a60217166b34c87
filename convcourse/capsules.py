"""Capsule layers, written to be read: vectors whose length says whether, and whose direction says how.

A capsule is a small group of units whose joint output is a vector. Its length, from 0 to 1, is the
probability that the part it looks for is there; its direction is the state that the part is in. Every child
capsule i predicts every parent j, "as I am, you would be so", and hands its output to the parents that other
children predict alike. Sabour, Frosst and Hinton, "Dynamic Routing Between Capsules" (NeurIPS 2017,
arXiv 1710.09829); equation and procedure numbers are theirs.

Letters for sizes: N images, I children of K dimensions, J parents of D dimensions.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def squash(s: Tensor) -> Tensor:
    """Shorten vectors [..., D] to a length below 1 and keep their direction (equation 1).

    A vector of length l becomes one of length l² / (1 + l²): short ones almost vanish, long ones come close
    to 1. The zero vector stays zero, and so does its gradient.

    >>> squash(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))  # length 5 becomes 25 / 26
    tensor([[0.5769, 0.7692],
            [0.0000, 0.0000]])
    """
    length = torch.linalg.vector_norm(s, dim=-1, keepdim=True)
    return s * (length / (1 + length**2))  # s / length is the direction, length² / (1 + length²) the length


def route(children: Tensor, weight: Tensor, iterations: int = 3) -> tuple[Tensor, Tensor]:
    """Routing by agreement (procedure 1): which parents do the children make, and who goes to whom?

    `children` u [N, I, K] and `weight` W [J, I, K, D] give the parents v [N, J, D] and the coupling
    coefficients c [N, I, J] that made them. A coefficient is the share of child i's output that goes to
    parent j, so they sum to 1 over the PARENTS: a part belongs to one whole. ValueError where shapes do not
    fit.

    The prediction of child i for parent j is û = u W (equation 2). Both uses of it are linear, so the
    N x I x J x D numbers of all predictions are never written down: the sum multiplies shares of u by W, and
    the agreement û·v is u·(W v).

    >>> children = torch.ones(1, 2, 1)  # two children of one dimension
    >>> alike = torch.tensor([[[2.0, 0.0]], [[2.0, 0.0]]])  # parent 0: both predict (2, 0)
    >>> opposed = torch.tensor([[[2.0, 0.0]], [[-2.0, 0.0]]])  # parent 1: they contradict each other
    >>> parents, coupling = route(children, torch.stack([alike, opposed]))
    >>> coupling
    tensor([[[0.9688, 0.0312],
             [0.9688, 0.0312]]])
    >>> lengths(parents)
    tensor([[0.9376, 0.0000]])
    """
    _require_fit(children, weight, iterations)
    count, inputs, _ = children.shape
    logits = children.new_zeros(len(weight), count, inputs)  # b [J, N, I]: no parent is preferred yet
    for iteration in range(1, iterations + 1):
        coupling = logits.softmax(dim=0)  # over the parents (equation 3)
        shares = coupling[..., None] * children  # [J, N, I, K]
        parents = squash(torch.einsum("jnik,jikd->jnd", shares, weight))  # [J, N, D]
        if iteration < iterations:  # a child prefers the parents that came out as it predicted
            agreement = (torch.einsum("jikd,jnd->jnik", weight, parents) * children).sum(-1)
            logits = logits + agreement
    return parents.transpose(0, 1), coupling.permute(1, 2, 0)


class PrimaryCapsules(nn.Module):
    """The first capsules: a convolution whose channels are read in groups of `dimensions` as vectors.

    Feature maps [N, in_channels, H, W] give squashed capsules [N, channels * H' * W', dimensions]. All
    places of a capsule channel share the weights of one convolution.

    >>> PrimaryCapsules(256, channels=32, dimensions=8)(torch.zeros(5, 256, 20, 20)).shape  # 32 * 6 * 6
    torch.Size([5, 1152, 8])
    """

    def __init__(
        self, in_channels: int, channels: int, dimensions: int, kernel_size: int = 9, stride: int = 2
    ):
        super().__init__()
        self.dimensions = dimensions
        self.conv = nn.Conv2d(in_channels, channels * dimensions, kernel_size, stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Feature maps [N, C, H, W] to capsules [N, I, K]; the index i runs over channel, row, column."""
        values = self.conv(maps).unflatten(1, (-1, self.dimensions))  # [N, channels, K, H', W']
        return squash(values.permute(0, 1, 3, 4, 2).flatten(1, 3))


class DigitCapsules(nn.Module):
    """One capsule a class, fed by routing: children [N, I, K] to parents [N, J, D].

    >>> layer = DigitCapsules(children=1152, in_dimensions=8, parents=10, out_dimensions=16)
    >>> layer(torch.rand(2, 1152, 8)).shape, layer.weight.numel()
    (torch.Size([2, 10, 16]), 1474560)
    """

    def __init__(
        self, children: int, in_dimensions: int, parents: int, out_dimensions: int, iterations: int = 3
    ):
        super().__init__()
        self.iterations = iterations
        self.weight = nn.Parameter(0.1 * torch.randn(parents, children, in_dimensions, out_dimensions))

    def forward(self, children: Tensor) -> Tensor:
        """Children [N, I, K] to parents [N, J, D]."""
        parents, _ = route(children, self.weight, self.iterations)
        return parents

    def extra_repr(self) -> str:
        """What `print(network)` shows in the brackets."""
        parents, children, in_dimensions, out_dimensions = self.weight.shape
        return f"{children} x {in_dimensions}D -> {parents} x {out_dimensions}D, iterations={self.iterations}"


class Decoder(nn.Module):
    """Draw the image again from one capsule: all but that of the class are masked with zeros.

    `capsules` [N, J, D] and `labels` [N] give images [N, *image_shape] from 0 to 1. In training the labels
    are the true ones, so each class's capsule learns to hold what its digit looks like.

    >>> decoder = Decoder(10, 16)  # 160 -> 512 -> 1024 -> 784
    >>> decoder(torch.rand(3, 10, 16), torch.tensor([7, 2, 1])).shape
    torch.Size([3, 1, 28, 28])
    >>> sum(parameter.numel() for parameter in decoder.parameters())
    1411344
    """

    def __init__(
        self,
        parents: int,
        dimensions: int,
        image_shape: tuple[int, int, int] = (1, 28, 28),
        hidden: tuple[int, int] = (512, 1024),
    ):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(parents * dimensions, hidden[0]),
            nn.ReLU(),
            nn.Linear(hidden[0], hidden[1]),
            nn.ReLU(),
            nn.Linear(hidden[1], math.prod(image_shape)),
            nn.Sigmoid(),
            nn.Unflatten(1, image_shape),
        )

    def forward(self, capsules: Tensor, labels: Tensor) -> Tensor:
        """Capsules [N, J, D] and labels [N] to images [N, C, H, W]."""
        return self.layers(mask(capsules, labels).flatten(1))


def mask(capsules: Tensor, labels: Tensor) -> Tensor:
    """Set all capsules [N, J, D] to zero but the one of each image's label [N].

    >>> mask(torch.ones(2, 3, 2), torch.tensor([2, 0]))[:, :, 0]
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    return capsules * F.one_hot(labels, capsules.shape[1]).to(capsules.dtype)[..., None]


def lengths(capsules: Tensor) -> Tensor:
    """The lengths [N, J] of capsules [N, J, D]: the probability that each class is present.

    >>> lengths(torch.tensor([[[0.0, 0.6, 0.0], [0.3, 0.0, 0.4]]]))
    tensor([[0.6000, 0.5000]])
    """
    return torch.linalg.vector_norm(capsules, dim=-1)


def margin_loss(
    lengths: Tensor, labels: Tensor, present: float = 0.9, absent: float = 0.1, down_weight: float = 0.5
) -> Tensor:
    """The margin loss (equation 4), summed over classes, mean over images: a scalar.

    The capsule of the true class should be longer than `present` (m+), the others shorter than `absent` (m-);
    `down_weight` (lambda) keeps the many absent classes from shrinking all capsules early on.
    `lengths` [N, J], `labels` [N].

    >>> margin_loss(torch.tensor([[0.7, 0.5, 0.1]]), torch.tensor([0]))  # 0.2² + 0.5 * 0.4²
    tensor(0.1200)
    """
    true = F.one_hot(labels, lengths.shape[1]).to(lengths.dtype)
    too_short, too_long = F.relu(present - lengths) ** 2, F.relu(lengths - absent) ** 2
    return (true * too_short + down_weight * (1 - true) * too_long).sum(1).mean()


def reconstruction_loss(reconstructed: Tensor, images: Tensor, scale: float = 0.0005) -> Tensor:
    """Sum of squared differences over the pixels, mean over images, scaled down: a scalar.

    Both [N, C, H, W] from 0 to 1. The scale keeps it from dominating the margin loss in training.

    >>> reconstruction_loss(torch.zeros(4, 1, 2, 5), torch.ones(4, 1, 2, 5))  # 10 pixels
    tensor(0.0050)
    """
    return scale * ((reconstructed - images) ** 2).flatten(1).sum(1).mean()


def _require_fit(children: Tensor, weight: Tensor, iterations: int) -> None:
    if children.ndim != 3:
        raise ValueError(f"children must have the shape [N, I, K], got {list(children.shape)}")
    if weight.ndim != 4 or weight.shape[1:3] != children.shape[1:]:
        _, inputs, dimensions = children.shape
        raise ValueError(
            f"weight must have the shape [J, {inputs}, {dimensions}, D] for children "
            f"{list(children.shape)}, got {list(weight.shape)}"
        )
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, got {iterations}")
