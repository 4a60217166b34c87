"""A network that is not being trained: what it says of images, and how often it is right."""

from collections.abc import Callable, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from convcourse.training.batches import ImageData, in_order, pixels


class Normalize(nn.Module):
    """Subtract MNIST's mean pixel and divide by its standard deviation, inside the network.

    A network that begins so takes plain pixels from 0 to 1 and cannot be fed wrongly. For color images give
    a mean and a deviation for each channel.

    >>> Normalize(mean=0.5, std=0.5)(torch.tensor([0.0, 1.0]))
    tensor([-1.,  1.])
    >>> Normalize(mean=(0.5, 0.5, 0.4), std=(0.5, 0.5, 0.2))(torch.ones(1, 3, 1, 1)).flatten()
    tensor([1., 1., 3.])
    """

    def __init__(self, mean: float | Sequence[float] = 0.1307, std: float | Sequence[float] = 0.3081):
        super().__init__()
        self.mean, self.std = _by_channel(mean), _by_channel(std)

    def forward(self, images: Tensor) -> Tensor:
        """Images of any shape, normalized; with a mean for each channel their shape is [N, C, H, W]."""
        return (images - self.mean) / self.std

    def _apply(self, function: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move with the network, and yet be no part of its weights."""
        if isinstance(self.mean, Tensor):
            self.mean = function(self.mean)
        if isinstance(self.std, Tensor):
            self.std = function(self.std)
        return super()._apply(function, recurse)

    def extra_repr(self) -> str:
        """What `print(network)` shows in the brackets."""
        return f"mean={_shown(self.mean)}, std={_shown(self.std)}"


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Logits [N, classes] of uint8 images [N, H, W] or [N, C, H, W], in evaluation mode; the mode is put back
    afterwards."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    logits = [model(pixels(batch.to(device))).cpu() for batch in images.split(batch_size)]
    model.train(was_training)
    return torch.cat(logits)


def evaluate(model: nn.Module, images: ImageData, batch_size: int = 1000) -> tuple[float, float]:
    """Mean cross-entropy and accuracy (0 to 1) of `model` on an ImageSet, or on a Dataset that yields
    (uint8 [C, H, W], class), in evaluation mode.

    >>> always_one = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    >>> _ = nn.init.zeros_(always_one[1].weight)
    >>> _ = always_one[1].bias.data.copy_(torch.tensor([-50.0, 50.0]))
    >>> from convcourse.data import ImageSet
    >>> black = torch.zeros(4, 28, 28, dtype=torch.uint8)
    >>> evaluate(always_one, ImageSet(black, torch.tensor([1, 1, 1, 0]), "digits"))
    (25.0, 0.75)
    """
    parts = [
        (predict(model, batch, batch_size), target.cpu()) for batch, target in in_order(images, batch_size)
    ]
    logits, labels = (torch.cat(part) for part in zip(*parts, strict=True))
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()


def _by_channel(values: float | Sequence[float]) -> float | Tensor:
    return values if isinstance(values, (int, float)) else torch.tensor(values).view(-1, 1, 1)


def _shown(values: float | Tensor) -> str:
    return (
        str(tuple(round(value, 6) for value in values.flatten().tolist()))
        if isinstance(values, Tensor)
        else str(values)
    )
