"""How images come to the network: as floats from 0 to 1, from the device's own memory where they fit."""

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from convcourse.data import ImageSet
from convcourse.training.distributed import Team

Images = ImageSet | Dataset


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


Feed = Callable[[Tensor, int], Iterator[Batch]]


def pixels(images: Tensor) -> Tensor:
    """uint8 [N, H, W] or [N, C, H, W] in 0..255 to float [N, C, H, W] in 0..1, in channels-last order; floats
    are taken to be in 0..1 already.

    >>> pixels(torch.full((2, 28, 28), 255, dtype=torch.uint8)).shape
    torch.Size([2, 1, 28, 28])
    """
    scaled = images.float() / 255 if images.dtype == torch.uint8 else images.float()
    stacked = scaled.unsqueeze(1) if scaled.ndim == 3 else scaled
    return stacked.contiguous(memory_format=torch.channels_last)


def size_of(images: Images) -> int:
    """How many images there are; a Dataset must know its length."""
    return len(images)  # type: ignore[arg-type]


def feed(images: Images, place: torch.device, team: Team) -> Feed:
    """Make a function that takes positions in an order and a batch size, and yields a Batch each, on `place`.

    An ImageSet is moved there once where it fits, and else batch by batch. A Dataset, which yields
    (uint8 [C, H, W], class), is read by a DataLoader, beside a GPU in several processes.
    """
    read = _indexer(images, place) if isinstance(images, ImageSet) else _loader(images, place)

    def batches(order: Tensor, batch_size: int) -> Iterator[Batch]:
        whole = order.split(batch_size)
        shares = [team.share(positions) for positions in whole]
        found = read([positions for positions, _ in shares])
        for (values, labels), (_, counted), every in zip(found, shares, whole, strict=True):
            yield Batch(pixels(values), labels, counted, team.size * counted / len(every))

    return batches


def fits(images: ImageSet, place: torch.device) -> bool:
    """Whether the images take at most half of what is free on the device; the network needs the rest."""
    if place.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(place)
    return images.images.nbytes <= free / 2


def in_order(images: Images, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """All images as they are stored and their labels, on the CPU for a Dataset, a batch at a time."""
    if isinstance(images, ImageSet):
        yield from zip(images.images.split(batch_size), images.labels.split(batch_size), strict=True)
    else:
        yield from DataLoader(images, batch_size)


Read = Callable[[list[Tensor]], Iterator[tuple[Tensor, Tensor]]]


def _indexer(imageset: ImageSet, place: torch.device) -> Read:
    if fits(imageset, place):
        images, labels = imageset.images.to(place), imageset.labels.to(place)  # moved once
    else:  # page-locked: a GPU fetches from there while it computes
        images, labels = imageset.images.pin_memory(), imageset.labels.pin_memory()

    def read(positions: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        for chosen in positions:
            here = chosen.to(images.device)
            yield images[here].to(place), labels[here].to(place)

    return read


def _loader(dataset: Dataset, place: torch.device) -> Read:
    beside = place.type == "cuda"  # a CPU has its hands full
    workers = min(8, os.cpu_count() or 1) if beside else 0

    def read(positions: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        # A new loader each epoch draws its workers' seed from the generator that a checkpoint keeps.
        chosen = [part.tolist() for part in positions]
        loader = DataLoader(dataset, batch_sampler=chosen, num_workers=workers, pin_memory=beside)
        for images, labels in loader:
            yield images.to(place, non_blocking=True), labels.to(place, non_blocking=True)

    return read
