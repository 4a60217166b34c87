"""The training loop."""

import copy
import math
import time
from pathlib import Path
from typing import Literal, cast

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from convcourse.training.augment import Augment
from convcourse.training.batches import Images, feed, size_of
from convcourse.training.checkpoint import Keeper, describe
from convcourse.training.device import (
    Precision,
    autocast,
    choose_compile,
    choose_precision,
    keep_freed_memory,
    move,
)
from convcourse.training.distributed import join
from convcourse.training.errors import explain_out_of_memory, require_finite
from convcourse.training.evaluation import evaluate
from convcourse.training.log import COLUMNS, Bar, Board, Log
from convcourse.training.recipe import MakeOptimizer, MakeSchedule, Objective, adamw, cross_entropy, one_cycle

LOOK_EVERY = 20  # steps: asking a GPU for a number makes it wait, so not every step


def fit(
    model: nn.Module,
    train: Images,
    valid: Images,
    *,
    epochs: int = 10,
    batch_size: int = 256,
    learning_rate: float = 0.02,
    weight_decay: float = 0.01,
    augment: Augment | None = None,
    label_smoothing: float = 0.0,
    average: float = 0.0,
    device: str = "auto",
    seed: int = 0,
    progress: bool = True,
    objective: Objective | None = None,
    optimizer: MakeOptimizer | None = None,
    schedule: MakeSchedule | None = None,
    precision: Precision = "auto",
    compile: bool | Literal["auto"] = False,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    tensorboard: str | Path | None = None,
) -> Log:
    """Train `model` in place on `train`, measure it on `valid` after each epoch, and return the log.

    The model takes float images [N, C, H, W] from 0 to 1 and returns logits [N, classes]. Both image sets
    are ImageSets, or Datasets that yield (uint8 [C, H, W], class). AdamW follows the one-cycle schedule of
    Smith and Topin up to `learning_rate` and back. `train_loss` and `train_accuracy` are means over the
    epoch's batches as they were trained on: augmented, with smoothed labels, while the weights still moved.
    On the CPU the same seed, network and number of threads give the same log.

    - `average` > 0: the weights that count are a running mean, w <- average * w + (1 - average) * new, kept
      beside the ones being trained, and at the end put into the model.
    - `objective`: (model, images [N, C, H, W], labels [N]) -> (loss, scores [N, classes]); by default
      `cross_entropy(label_smoothing)`.
    - `optimizer`: (parameters, learning_rate, weight_decay) -> Optimizer; by default `adamw`.
    - `schedule`: (optimizer, total_steps) -> LRScheduler, stepped after every batch; by default `one_cycle`.
    - `precision`: "float32" or "bfloat16"; "auto" takes bfloat16 on a GPU that has it.
    - `compile`: compile the network first; "auto" does so on a GPU.
    - `patience`: stop after so many epochs without a lower validation loss, and put the best weights back.
    - `checkpoint`: a file written after each epoch and taken up again where it exists. A training that was
      killed and is started again the same way ends as if it had never stopped: on the CPU, bit for bit.
    - `tensorboard`: a folder for TensorBoard's files.

    Several processes started by `torchrun` train one network together (see `distributed`). A loss that is
    not finite raises TrainingDiverged, a batch too large for the memory OutOfMemory, a checkpoint of another
    training CheckpointError.

    >>> from convcourse.data import ImageSet
    >>> from convcourse.training import set_seed
    >>> set_seed(0)
    >>> images = torch.randint(0, 256, (64, 8, 8), dtype=torch.uint8)
    >>> digits = ImageSet(images, torch.arange(64) % 2, "digits")
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    >>> log = fit(network, digits, digits, epochs=2, batch_size=16, device="cpu", progress=False)
    >>> [row["epoch"] for row in log.rows]
    [1, 2]
    """
    if epochs < 1 or batch_size < 1:
        raise ValueError(f"epochs and batch_size must be at least 1, got {epochs} and {batch_size}")
    if patience is not None and patience < 1:
        raise ValueError(f"patience must be at least 1 epoch, or None, got {patience}")
    # Where, and with what.
    team, place = join(device)
    precision, compiled = choose_precision(precision, place), choose_compile(compile, place)
    objective = objective or cross_entropy(label_smoothing)
    make_optimizer, make_schedule = optimizer or adamw, schedule or one_cycle
    shuffle = torch.Generator(place).manual_seed(seed)  # the same order in all processes of a team
    chance = shuffle if team.size == 1 else torch.Generator(place).manual_seed(seed + 1 + team.rank)
    torch.manual_seed(seed + team.rank)  # for dropout

    # What the steps change.
    move(model, place)
    keep_freed_memory(place)
    model.train()
    count, steps = size_of(train), math.ceil(size_of(train) / batch_size)
    updates = make_optimizer(model.parameters(), learning_rate, weight_decay)
    rate = make_schedule(updates, epochs * steps)
    mean = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(average), use_buffers=True)
        if average
        else None
    )
    measured: nn.Module = mean.module if mean is not None else model
    network = team.together(cast(nn.Module, torch.compile(model)) if compiled else model, place)
    batches = feed(train, place, team)

    # What is written down, and where the training goes on if it was killed.
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "label_smoothing": label_smoothing,
        "average": average,
        "seed": seed,
        "device": place.type,
        "precision": precision,
        "compile": compiled,
        "patience": patience,
        "processes": team.size,
    }
    functions = {
        "augment": augment,
        "objective": objective,
        "optimizer": make_optimizer,
        "schedule": make_schedule,
    }
    parts = {"model": model, "optimizer": updates, "schedule": rate} | ({"mean": mean} if mean else {})
    words = describe(settings, model, train, functions)
    keeper = Keeper(checkpoint, words, parts, (shuffle, chance), team, place)
    rows, best = keeper.resume()
    log, board = Log(rows, settings), Board(tensorboard if team.is_first else None, len(rows) + 1)

    for epoch in range(len(rows) + 1, epochs + 1):
        if patience is not None and rows and epoch - 1 - log.best["epoch"] >= patience:
            break
        started = time.perf_counter()
        bar = Bar(epoch, epochs, steps, shown=progress and team.is_first)
        loss_sum, correct, seen = torch.zeros((), device=place), torch.zeros((), device=place), 0
        order = torch.randperm(count, generator=shuffle, device=place)
        for step, batch in enumerate(batches(order, batch_size), start=1):
            images = batch.images
            with explain_out_of_memory(batch_size, precision):
                if augment is not None:
                    images = augment(images, chance).contiguous(memory_format=torch.channels_last)
                with autocast(place, precision):
                    loss, scores = objective(network, images, batch.labels)
                updates.zero_grad(set_to_none=True)
                (loss * batch.weight).backward()
                updates.step()
            rate.step()
            if mean is not None:
                mean.update_parameters(model)
            loss_sum += loss.detach() * batch.counted
            correct += batch.correct(scores.detach())
            seen += batch.counted
            if step % LOOK_EVERY == 0 or step == steps:
                require_finite(loss_sum.item(), epoch, step, learning_rate)
                bar.show(step, loss_sum.item() / max(seen, 1), correct.item() / max(seen, 1))

        valid_loss, valid_accuracy = team.as_first(
            evaluate(measured, valid) if team.is_first else (0.0, 0.0), place
        )
        values = (
            epoch,
            team.sum(loss_sum).item() / count,
            team.sum(correct).item() / count,
            valid_loss,
            valid_accuracy,
            time.perf_counter() - started,
        )
        log.rows.append({name: round(value, 6) for name, value in zip(COLUMNS, values, strict=True)})
        if patience is not None and log.best is log.last:
            best = copy.deepcopy(measured.state_dict())
        bar.close(log.last)
        board.add(log.last)
        keeper.write(log.rows, best)

    model.load_state_dict(best if best is not None else measured.state_dict())
    model.eval()
    return log
