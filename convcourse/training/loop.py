"""The training loop: `fit` goes through the epochs, `train_epoch` through the batches of one."""

import time
from pathlib import Path

from torch import nn

from convcourse.training.batches import ImageData
from convcourse.training.device import autocast
from convcourse.training.errors import explain_out_of_memory
from convcourse.training.evaluation import evaluate
from convcourse.training.log import Log
from convcourse.training.meter import Meter
from convcourse.training.recipe import Recipe
from convcourse.training.setup import TrainingState, set_up


def fit(
    model: nn.Module,
    train: ImageData,
    valid: ImageData,
    recipe: Recipe,
    *,
    device: str = "auto",
    progress: bool = True,
    checkpoint: str | Path | None = None,
    tensorboard: str | Path | None = None,
) -> Log:
    """Train `model` in place on `train`, measure it on `valid` after each epoch, and return the log.

    The model takes float images [N, C, H, W] from 0 to 1 and returns logits [N, classes]. Both image sets
    are ImageSets, or Datasets that yield (uint8 [C, H, W], class). On the CPU the same recipe, network and
    number of threads give the same log. `train_loss` and `train_accuracy` are means over the epoch's batches
    as they were trained on: augmented, with smoothed labels, while the weights still moved.

    - `checkpoint`: a file written after each epoch and taken up again where it exists. A training that was
      killed and is started again the same way ends as if it had never stopped: on the CPU, bit for bit.
    - `tensorboard`: a folder for TensorBoard's files.

    Several processes started by `torchrun` train one network together (see `distributed`). A loss that is
    not finite raises TrainingDiverged, a batch too large for the memory OutOfMemory, a checkpoint of another
    training CheckpointError.

    >>> import torch
    >>> from convcourse.data import ImageSet
    >>> images = torch.randint(0, 256, (64, 8, 8), dtype=torch.uint8)
    >>> digits = ImageSet(images, torch.arange(64) % 2, "digits")
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    >>> log = fit(model, digits, digits, Recipe(epochs=2, batch_size=16), device="cpu", progress=False)
    >>> [row["epoch"] for row in log.rows]
    [1, 2]
    """
    state = set_up(model, train, recipe, device, checkpoint, tensorboard)
    log, team, steps = state.log, state.team, len(state.train_loader)

    for epoch in range(len(log.rows) + 1, recipe.epochs + 1):
        if recipe.patience is not None and log.epochs_since_best >= recipe.patience:
            break
        started = time.perf_counter()
        meter = Meter(epoch, recipe, steps, state.device, shown=progress and team.is_first)
        with explain_out_of_memory(recipe.batch_size, state.precision):
            train_epoch(state, meter)
        train_loss, train_accuracy = meter.means(team, state.train_loader.count)
        valid_loss, valid_accuracy = team.from_first(lambda: evaluate(state.measured, valid), state.device)
        seconds = time.perf_counter() - started
        log.add(epoch, train_loss, train_accuracy, valid_loss, valid_accuracy, seconds)
        meter.close(log.last)
        state.write()

    model.load_state_dict(state.best or state.measured.state_dict())
    model.eval()
    return log


def train_epoch(state: TrainingState, meter: Meter) -> None:
    """Take one step of the optimizer for every batch of the training images."""
    model, optimizer, scheduler, ema = state.model, state.optimizer, state.scheduler, state.ema
    for batch in state.train_loader:
        with autocast(state.device, state.precision):
            loss, scores = state.objective(state.network, batch.images, batch.labels)
        optimizer.zero_grad()
        (loss * batch.weight).backward()
        optimizer.step()
        scheduler.step()
        if ema is not None:
            ema.update_parameters(model)
        meter.add(batch, loss, scores)
