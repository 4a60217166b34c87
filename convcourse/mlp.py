"""A first network on gray images: build it, split the data, train an epoch, measure.

The steps of exercise 01 as the course takes them, so that its last questions rest on no earlier answer.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def build_mlp(
    height: int, width: int, hidden: int = 64, classes: int = 10, dropout: float = 0.0
) -> nn.Module:
    """A multilayer perceptron: images [N, 1, height, width] to logits [N, classes].

    >>> build_mlp(4, 6, hidden=5, classes=3)(torch.zeros(2, 1, 4, 6)).shape
    torch.Size([2, 3])
    """
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(height * width, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )


def split_indices(count: int, validation: int, seed: int) -> tuple[Tensor, Tensor]:
    """The numbers 0 to `count - 1`, shuffled: [count - validation] to train on, [validation] to judge on.

    >>> fitted, kept = split_indices(10, validation=3, seed=0)
    >>> len(fitted), len(kept), sorted([*fitted.tolist(), *kept.tolist()]) == list(range(10))
    (7, 3, True)
    """
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order[validation:], order[:validation]


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, batch_size: int = 50
) -> None:
    """One pass over images [N, 1, H, W] and labels [N] in the order given, one step per batch.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> images, labels = torch.eye(4).reshape(4, 1, 2, 2), torch.tensor([0, 0, 1, 1])
    >>> for _ in range(20):
    ...     train_epoch(model, torch.optim.SGD(model.parameters(), lr=1.0), images, labels, batch_size=3)
    >>> accuracy(model, images, labels)
    1.0
    """
    model.train()
    for some_images, some_labels in zip(images.split(batch_size), labels.split(batch_size), strict=True):
        optimizer.zero_grad()
        F.cross_entropy(model(some_images), some_labels).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share, 0 to 1, of images [N, 1, H, W] that `model` puts in the right class, in evaluation mode; the
    mode is put back afterwards.

    >>> accuracy(nn.Flatten(), torch.eye(3).reshape(3, 1, 1, 3), torch.tensor([0, 1, 1])) == 2 / 3
    True
    """
    was_training = model.training
    model.eval()
    predicted = model(images).argmax(dim=1)
    model.train(was_training)
    return (predicted == labels).double().mean().item()
