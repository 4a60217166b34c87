"""Loss and accuracy of one epoch while it runs, in a progress bar."""

import sys

import torch
from torch import Tensor
from tqdm import tqdm

from convcourse.training.batches import Batch
from convcourse.training.distributed import Team
from convcourse.training.errors import require_finite
from convcourse.training.recipe import Recipe

LOOK_EVERY = 20  # steps: asking a GPU for a number makes it wait, so not every step


class Meter:
    """Adds up loss and hits over the `steps` batches of an epoch, and shows their means so far."""

    def __init__(self, epoch: int, recipe: Recipe, steps: int, device: torch.device, shown: bool):
        self.epoch, self.learning_rate, self.steps = epoch, recipe.learning_rate, steps
        self.loss_sum, self.correct = torch.zeros((), device=device), torch.zeros((), device=device)
        self.seen = self.step = 0
        name = f"epoch {epoch}/{recipe.epochs}"
        self.bar = tqdm(total=steps, desc=name, disable=not shown, file=sys.stdout, ncols=100)

    def add(self, batch: Batch, loss: Tensor, scores: Tensor) -> None:
        """Count a batch, given its mean loss and its scores [N, classes]; a loss that is not finite raises
        TrainingDiverged within LOOK_EVERY batches."""
        self.loss_sum += loss.detach() * batch.counted
        self.correct += batch.correct(scores.detach())
        self.seen += batch.counted
        self.step += 1
        if self.step % LOOK_EVERY == 0 or self.step == self.steps:
            self._look()

    def means(self, team: Team, count: int) -> tuple[float, float]:
        """Mean loss and accuracy over the epoch's `count` images, which the team saw together."""
        return team.sum(self.loss_sum).item() / count, team.sum(self.correct).item() / count

    def close(self, row: dict[str, float]) -> None:
        """The epoch is over, and was measured: its row of the log goes into the bar."""
        self.bar.set_postfix_str(
            f"{self.bar.postfix} valid {row['valid_loss']:.4f} {row['valid_accuracy']:.2%}"
        )
        self.bar.close()

    def _look(self) -> None:
        loss_sum, images = self.loss_sum.item(), max(self.seen, 1)
        require_finite(loss_sum, self.epoch, self.step, self.learning_rate)
        accuracy = self.correct.item() / images
        self.bar.set_postfix_str(f"loss {loss_sum / images:.4f} acc {accuracy:.2%}", refresh=False)
        self.bar.update(self.step - self.bar.n)
