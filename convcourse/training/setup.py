"""What `fit` needs before its first step: device, optimizer, scheduler, moving average, checkpoint, log."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from convcourse.training.batches import ImageData, TrainLoader
from convcourse.training.checkpoint import Checkpoint, describe
from convcourse.training.device import choose_compile, choose_precision, keep_freed_memory, move
from convcourse.training.distributed import Team, join
from convcourse.training.log import Board, Log
from convcourse.training.recipe import Objective, Recipe, cross_entropy


@dataclass
class TrainingState:
    """Everything that a step of a training uses or changes, and where it is written down."""

    recipe: Recipe
    model: nn.Module  # as the student made it
    network: nn.Module  # the same weights, as a step calls them: compiled, or shared with other processes
    ema: AveragedModel | None
    objective: Objective
    optimizer: Optimizer
    scheduler: LRScheduler
    train_loader: TrainLoader
    device: torch.device
    precision: Literal["float32", "bfloat16"]
    team: Team
    log: Log
    board: Board
    checkpoint: Checkpoint
    best: dict[str, Any] | None  # with `patience`, the weights of the lowest validation loss so far

    @property
    def measured(self) -> nn.Module:
        """The network whose weights count: the moving average where there is one."""
        return self.model if self.ema is None else self.ema.module

    def write(self) -> None:
        """Write down an epoch, once its row is in the log."""
        if self.recipe.patience is not None and self.log.epochs_since_best == 0:
            self.best = copy.deepcopy(self.measured.state_dict())
        self.board.add(self.log.last)
        self.checkpoint.write(self.log.rows, self.best)


def set_up(
    model: nn.Module,
    train: ImageData,
    recipe: Recipe,
    device: str,
    checkpoint: str | Path | None,
    tensorboard: str | Path | None,
) -> TrainingState:
    """Make what a training by `recipe` needs, and take it up again where its checkpoint exists."""
    team, chosen = join(device)
    precision, compiled = choose_precision(recipe.precision, chosen), choose_compile(recipe.compile, chosen)
    train_loader = TrainLoader(train, recipe.batch_size, recipe.augment, chosen, team, recipe.seed)
    torch.manual_seed(recipe.seed + team.rank)  # for dropout

    keep_freed_memory(chosen)
    move(model, chosen)
    model.train()
    optimizer = recipe.optimizer(model.parameters(), recipe.learning_rate, recipe.weight_decay)
    scheduler = recipe.scheduler(optimizer, recipe.epochs * len(train_loader))
    ema = _moving_average(model, recipe.ema_decay)
    network = team.together(cast(nn.Module, torch.compile(model)) if compiled else model, chosen)

    settings = recipe.settings() | {
        "device": chosen.type,
        "precision": precision,
        "compile": compiled,
        "processes": team.size,
    }
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler} | ({"ema": ema} if ema else {})
    words = describe(settings, model, train)
    kept = Checkpoint(checkpoint, words, parts, train_loader.generators, team, chosen)
    rows, best = kept.resume()
    return TrainingState(
        recipe=recipe,
        model=model,
        network=network,
        ema=ema,
        objective=recipe.objective or cross_entropy(recipe.label_smoothing),
        optimizer=optimizer,
        scheduler=scheduler,
        train_loader=train_loader,
        device=chosen,
        precision=precision,
        team=team,
        log=Log(rows, settings),
        board=Board(tensorboard if team.is_first else None, len(rows) + 1),
        checkpoint=kept,
        best=best,
    )


def _moving_average(model: nn.Module, decay: float) -> AveragedModel | None:
    """A copy of the model whose weights and batch statistics follow it slowly; with `decay` 0 none."""
    if not decay:
        return None
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
