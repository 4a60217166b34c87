"""A training that was killed goes on as if nothing had happened: all of its state, in one file.

The state is everything that the next step depends on: weights, optimizer, scheduler, the moving average of
the weights, and where each random number generator stands, with the rows of the log and the best weights so
far.
"""

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from convcourse.data import ImageSet
from convcourse.training.batches import ImageData, size_of
from convcourse.training.distributed import Team

MAGIC = b"convcourse checkpoint 1\n"
State = dict[str, Any]


class CheckpointError(RuntimeError):
    """The checkpoint is damaged or of another training; the message says what to do."""


def save(path: Path, state: State) -> None:
    """Write the file whole or not at all: a reader finds the last checkpoint or this one, never half."""
    content = io.BytesIO()
    torch.save(state, content)
    body = content.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    with unfinished.open("wb") as file:
        file.write(MAGIC + hashlib.sha256(body).digest() + body)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load(path: Path) -> State:
    """Read what `save` wrote: plain values and tensors on the CPU, never code."""
    content = path.read_bytes()
    begin = len(MAGIC) + hashlib.sha256().digest_size
    if (
        not content.startswith(MAGIC)
        or hashlib.sha256(content[begin:]).digest() != content[len(MAGIC) : begin]
    ):
        raise CheckpointError(
            f"the checkpoint {path} is damaged or no checkpoint ({len(content):,} bytes): delete it to train "
            "from the beginning, or name another file"
        )
    return torch.load(io.BytesIO(content[begin:]), map_location="cpu", weights_only=True)


def require_same(path: Path, was: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise CheckpointError where a checkpoint belongs to another training than the one that is asked for."""
    differing = [
        f"{name} was {was.get(name, 'not set')}, is {now.get(name, 'not set')}"
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]
    if differing:
        raise CheckpointError(
            f"the checkpoint {path} is of another training: {'; '.join(differing)}. Train with its settings "
            "to go on, name another file, or delete it to train from the beginning"
        )


def describe(settings: Mapping[str, Any], model: nn.Module, train: ImageData) -> dict[str, str]:
    """What a training is, in words: two trainings with the same words take the same steps."""
    shapes = ";".join(f"{name}{list(value.shape)}" for name, value in model.state_dict().items())
    labels = (
        hashlib.sha256(train.labels.cpu().numpy().tobytes()).hexdigest()[:8]
        if isinstance(train, ImageSet)
        else ""
    )
    return {
        **{name: "none" if value is None else str(value) for name, value in settings.items()},
        "network": f"{type(model).__name__} {hashlib.sha256(shapes.encode()).hexdigest()[:8]}",
        "train": f"{size_of(train)} images {labels}".strip(),
    }


class Checkpoint:
    """Writes the state of one training to `path` and takes it up again; without a path it does nothing.

    `parts` are the things with a `state_dict` (model, optimizer, scheduler, EMA), `generators` the loader's
    own. In a team every process has random numbers of its own, and the first one writes for all."""

    def __init__(
        self,
        path: str | Path | None,
        words: Mapping[str, str],
        parts: Mapping[str, Any],
        generators: Sequence[torch.Generator],
        team: Team,
        device: torch.device,
    ):
        self.path = None if path is None else Path(path)
        self.words, self.parts, self.generators = words, parts, generators
        self.team, self.device = team, device

    def resume(self) -> tuple[list[dict[str, float]], State | None]:
        """The rows of the log and the best weights so far, everything else being put back to where it was."""
        if self.path is None or not self.path.exists():
            return [], None
        state = load(self.path)
        require_same(self.path, state["words"], self.words)
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        self._restore_random(state["random"][self.team.rank])
        return state["rows"], state["best"]

    def write(self, rows: list[dict[str, float]], best: State | None) -> None:
        """Keep the state as it is after the last row."""
        if self.path is None:
            return
        random = self.team.gather(self._random())
        if self.team.is_first:
            parts = {name: part.state_dict() for name, part in self.parts.items()}
            words = dict(self.words)
            save(self.path, {"words": words, "parts": parts, "random": random, "rows": rows, "best": best})

    def _random(self) -> list[torch.Tensor]:
        """Where the generators stand: the loader's own, and PyTorch's, which dropout draws from."""
        states = [generator.get_state() for generator in self.generators]
        on_gpu = [torch.cuda.get_rng_state(self.device)] if self.device.type == "cuda" else []
        return [*states, torch.get_rng_state(), *on_gpu]

    def _restore_random(self, states: list[torch.Tensor]) -> None:
        own = len(self.generators)
        for generator, state in zip(self.generators, states[:own], strict=True):
            generator.set_state(state)
        torch.set_rng_state(states[own])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(states[own + 1], self.device)
