"""Several processes train one network: `torchrun --nproc-per-node 4 train.py`, and nothing else changes.

Each process takes its share of every batch and the gradients are averaged (DistributedDataParallel), so the
steps are those that one process takes, up to rounding. Three things differ from one process: batch
normalization sees a share and not the batch, and augmentation and dropout draw other numbers in each process.
"""

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from convcourse.training.device import choose_device


@dataclass(frozen=True)
class Team:
    """The processes that train together, and which of them this one is.

    >>> Team().share(torch.arange(5))
    (tensor([0, 1, 2, 3, 4]), 5)
    >>> Team(rank=1, size=2).share(torch.arange(5))
    (tensor([1, 3]), 2)
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints and writes."""
        return self.rank == 0

    def share(self, batch: Tensor) -> tuple[Tensor, int]:
        """This process's part of a batch, and how many of its images count. A process that is left without
        takes one image that does not count, because all must take the step."""
        part = batch[self.rank :: self.size]
        return (part, len(part)) if len(part) else (batch[:1], 0)

    def together(self, model: nn.Module, device: torch.device) -> nn.Module:
        """The network, its gradients averaged over the processes."""
        if self.size == 1:
            return model
        return DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def from_first(
        self, measure: Callable[[], tuple[float, float]], device: torch.device
    ) -> tuple[float, float]:
        """What the first process measures, for all of them, so that all decide alike."""
        values = measure() if self.is_first else (0.0, 0.0)
        if self.size == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64, device=device)
        dist.broadcast(shared, src=0)
        first, second = shared.tolist()
        return first, second

    def gather(self, value: Any) -> list[Any]:
        """The value of each process, in order."""
        values = [value] * self.size
        if self.size > 1:
            dist.all_gather_object(values, value)
        return values


def join(device: str = "auto") -> tuple[Team, torch.device]:
    """The team that this process belongs to, and its device: one process and `choose_device`, unless torchrun
    started it. Then each process of a machine takes a GPU of its own, or they share the CPU."""
    chosen = choose_device(device)
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", 1)) == 1:
            return Team(), chosen
        dist.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
        atexit.register(dist.destroy_process_group)
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(chosen)
    return Team(dist.get_rank(), dist.get_world_size()), chosen
