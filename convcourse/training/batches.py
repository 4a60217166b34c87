"""How images come to the network: as floats from 0 to 1, from the device's own memory where they fit."""

import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from convcourse.data import ImageSet
from convcourse.training.augment import Augment
from convcourse.training.distributed import Team

ImageData = ImageSet | Dataset


class Batch(NamedTuple):
    """Images [N, C, H, W] and labels [N]; `counted` of them are measured (all, in one process), and their
    mean loss times `weight` is this process's part in the whole batch's mean (1 in one process)."""

    images: Tensor
    labels: Tensor
    counted: int
    weight: float

    def correct(self, scores: Tensor) -> Tensor:
        """How many of the counted images have their highest score [N, classes] at their label."""
        return (scores[: self.counted].argmax(1) == self.labels[: self.counted]).sum()


def pixels(images: Tensor) -> Tensor:
    """uint8 [N, H, W] or [N, C, H, W] in 0..255 to float [N, C, H, W] in 0..1, in channels-last order; floats
    are taken to be in 0..1 already.

    >>> pixels(torch.full((2, 28, 28), 255, dtype=torch.uint8)).shape
    torch.Size([2, 1, 28, 28])
    """
    scaled = images.float() / 255 if images.dtype == torch.uint8 else images.float()
    stacked = scaled.unsqueeze(1) if scaled.ndim == 3 else scaled
    return stacked.contiguous(memory_format=torch.channels_last)


def size_of(images: ImageData) -> int:
    """How many images there are; a Dataset must know its length."""
    return len(images)  # type: ignore[arg-type]


class TrainLoader:
    """The training images in a new order each epoch, augmented, a Batch at a time, on `device`.

    PyTorch's DataLoader gives them in the same way. Here an ImageSet is moved to the device once where it
    fits, and else batch by batch; a Dataset, which yields (uint8 [C, H, W], class), is read by a DataLoader,
    next to a GPU in several processes.

    >>> images = ImageSet(torch.zeros(10, 8, 8, dtype=torch.uint8), torch.arange(10), "digits")
    >>> train_loader = TrainLoader(images, 4, None, torch.device("cpu"), Team(), seed=0)
    >>> len(train_loader), [len(batch.labels) for batch in train_loader]
    (3, [4, 4, 2])
    """

    def __init__(
        self,
        images: ImageData,
        batch_size: int,
        augment: Augment | None,
        device: torch.device,
        team: Team,
        seed: int,
    ):
        self.count, self.batch_size, self.augment = size_of(images), batch_size, augment
        self.device, self.team = device, team
        self.read = _indexer(images, device) if isinstance(images, ImageSet) else _loader(images, device)
        # The order is the same in all processes of a team, the augmentation is not.
        order = torch.Generator(device).manual_seed(seed)
        own = order if team.size == 1 else torch.Generator(device).manual_seed(seed + 1 + team.rank)
        self.generators = order, own

    def __len__(self) -> int:
        """Batches in an epoch; the last may be smaller."""
        return math.ceil(self.count / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order, own = self.generators
        whole = torch.randperm(self.count, generator=order, device=self.device).split(self.batch_size)
        shares = [self.team.share(positions) for positions in whole]
        found = self.read([positions for positions, _ in shares])
        for (values, labels), (_, counted), every in zip(found, shares, whole, strict=True):
            images = pixels(values)
            if self.augment is not None:
                images = self.augment(images, own).contiguous(memory_format=torch.channels_last)
            yield Batch(images, labels, counted, self.team.size * counted / len(every))


def fits(images: ImageSet, device: torch.device) -> bool:
    """Whether the images take at most half of what is free on the device; the network needs the rest."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.images.nbytes <= free / 2


def in_order(images: ImageData, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """All images as they are stored and their labels, on the CPU for a Dataset, a batch at a time."""
    if isinstance(images, ImageSet):
        yield from zip(images.images.split(batch_size), images.labels.split(batch_size), strict=True)
    else:
        yield from DataLoader(images, batch_size)


Read = Callable[[list[Tensor]], Iterator[tuple[Tensor, Tensor]]]


def _indexer(imageset: ImageSet, device: torch.device) -> Read:
    if fits(imageset, device):
        images, labels = imageset.images.to(device), imageset.labels.to(device)  # moved once
    else:  # page-locked: a GPU fetches from there while it computes
        images, labels = imageset.images.pin_memory(), imageset.labels.pin_memory()

    def read(positions: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in positions:
            here = chosen.to(images.device)
            yield images[here].to(device), labels[here].to(device)

    return read


def _workers() -> int:
    """How many processes read a Dataset: none where they are not forked, as on Windows and macOS, because a
    Dataset that a notebook defines cannot be sent to a process that starts afresh."""
    return min(8, os.cpu_count() or 1) if multiprocessing.get_start_method() == "fork" else 0


def _loader(dataset: Dataset, device: torch.device) -> Read:
    on_gpu = device.type == "cuda"  # a CPU that trains has no cores left for workers
    workers = _workers() if on_gpu else 0

    def read(positions: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        # A new loader each epoch draws its workers' seed from the generator that a checkpoint keeps.
        chosen = [part.tolist() for part in positions]
        loader = DataLoader(dataset, batch_sampler=chosen, num_workers=workers, pin_memory=on_gpu)
        for images, labels in loader:
            yield images.to(device, non_blocking=True), labels.to(device, non_blocking=True)

    return read
