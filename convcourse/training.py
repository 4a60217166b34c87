"""One training loop, the same for the pages, the exercises and the reference networks: `fit` and
`evaluate`."""

import csv
import json
import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from convcourse.data import ImageSet

COLUMNS = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds")
Augment = Callable[[Tensor, torch.Generator], Tensor]


class TrainingDiverged(RuntimeError):
    """The loss is no longer a finite number; training on cannot mend that."""


class Normalize(nn.Module):
    """Subtract MNIST's mean pixel and divide by its standard deviation, inside the network.

    A network that begins so takes plain pixels from 0 to 1 and cannot be fed wrongly.

    >>> Normalize(mean=0.5, std=0.5)(torch.tensor([0.0, 1.0]))
    tensor([-1.,  1.])
    """

    def __init__(self, mean: float = 0.1307, std: float = 0.3081):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, images: Tensor) -> Tensor:
        """Images of any shape, normalized."""
        return (images - self.mean) / self.std

    def extra_repr(self) -> str:
        """What `print(network)` shows in the brackets."""
        return f"mean={self.mean}, std={self.std}"


@dataclass
class Log:
    """What a training run says of itself: one row an epoch (see COLUMNS), and the settings it ran with.

    >>> log = Log([dict(zip(COLUMNS, (1, 0.5, 0.84, 0.2, 0.93, 7.5)))])
    >>> print(log)
    epoch  train_loss  train_accuracy  valid_loss  valid_accuracy  seconds
        1      0.5000          84.00%      0.2000          93.00%      7.5
    """

    rows: list[dict[str, float]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def last(self) -> dict[str, float]:
        """The row of the last epoch; a log without rows raises ValueError."""
        if not self.rows:
            raise ValueError("the log has no rows: train for at least one epoch first")
        return self.rows[-1]

    def save(self, path: str | Path) -> Path:
        """Write rows and settings as JSON."""
        path = Path(path)
        path.write_text(json.dumps({"settings": self.settings, "epochs": self.rows}, indent=1) + "\n")
        return path

    @classmethod
    def load(cls, path: str | Path) -> "Log":
        """Read what `save` wrote."""
        table = json.loads(Path(path).read_text())
        return cls(table["epochs"], table["settings"])

    def to_csv(self, path: str | Path) -> Path:
        """Write the rows as CSV, one line an epoch, for a spreadsheet."""
        path = Path(path)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        return path

    def __str__(self) -> str:
        return "\n".join(["  ".join(COLUMNS), *map(_line, self.rows)])


def choose_device(device: str = "auto") -> torch.device:
    """The device to train on: the one named, or with "auto" a GPU where there is one and else the CPU.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and PyTorch. Call it before you build a network: the first weights are random too.

    >>> set_seed(3); a = torch.rand(2); set_seed(3); torch.equal(a, torch.rand(2))
    True
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def random_affine(
    shift: float = 2.0, rotate: float = 10.0, scale: float = 0.1, shear: float = 0.0
) -> Augment:
    """Make an augmentation: each image of a batch is shifted, turned, resized and slanted by its own amounts.

    `shift` is in pixels, `rotate` in degrees, `scale` a fraction, `shear` in columns a row; amounts are
    drawn evenly from minus to plus these. What is made takes images [N, C, H, W] and a generator, and
    returns images of the same shape.

    >>> images = torch.rand(4, 1, 28, 28)
    >>> random_affine()(images, torch.Generator().manual_seed(0)).shape
    torch.Size([4, 1, 28, 28])
    """

    def augment(images: Tensor, generator: torch.Generator) -> Tensor:
        count, _, height, width = images.shape

        def draw(limit: float) -> Tensor:
            unit = torch.rand(count, generator=generator, device=images.device)
            return (2 * unit - 1) * limit

        angle, size = draw(math.radians(rotate)), torch.exp(draw(math.log1p(scale)))
        cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
        # affine_grid measures from -1 to 1 across the image, so one pixel is 2 / width.
        across = torch.stack([cos, draw(shear) - sin, draw(2 * shift / width)], dim=1)
        down = torch.stack([sin, cos, draw(2 * shift / height)], dim=1)
        grid = F.affine_grid(torch.stack([across, down], dim=1), list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)

    return augment


@torch.inference_mode()
def predict(model: nn.Module, images: Tensor, batch_size: int = 1000) -> Tensor:
    """Logits [N, classes] of uint8 images [N, H, W], in evaluation mode; the mode is put back afterwards."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    logits = [model(_pixels(batch.to(device))).cpu() for batch in images.split(batch_size)]
    model.train(was_training)
    return torch.cat(logits)


def evaluate(model: nn.Module, imageset: ImageSet, batch_size: int = 1000) -> tuple[float, float]:
    """Mean cross-entropy and accuracy (0 to 1) of `model` on an image set, in evaluation mode.

    >>> always_one = nn.Sequential(nn.Flatten(), nn.Linear(784, 2))
    >>> _ = nn.init.zeros_(always_one[1].weight)
    >>> _ = always_one[1].bias.data.copy_(torch.tensor([-50.0, 50.0]))
    >>> black = torch.zeros(4, 28, 28, dtype=torch.uint8)
    >>> evaluate(always_one, ImageSet(black, torch.tensor([1, 1, 1, 0]), "digits"))
    (25.0, 0.75)
    """
    logits = predict(model, imageset.images, batch_size)
    labels = imageset.labels.cpu()
    return F.cross_entropy(logits, labels).item(), (logits.argmax(1) == labels).double().mean().item()


def fit(
    model: nn.Module,
    train: ImageSet,
    valid: ImageSet,
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
) -> Log:
    """Train `model` in place on `train`, measure it on `valid` after each epoch, and return the log.

    The model takes float images [N, 1, H, W] from 0 to 1 and returns logits [N, classes]. AdamW follows the
    one-cycle schedule of Smith and Topin up to `learning_rate` and back. With `average` > 0 the weights
    that count are a running mean, w <- average * w + (1 - average) * new, kept beside the ones being
    trained, and at the end put into the model. `train_loss` and `train_accuracy` are means over the epoch's
    batches as they were trained on: augmented, with smoothed labels, while the weights still moved. On the
    CPU the same seed, network and number of threads give the same log. A loss that is not finite raises
    TrainingDiverged.

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
    place = choose_device(device)
    model.to(device=place, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    images, labels = train.images.to(place), train.labels.to(place)  # moved once, not batch by batch
    generator = torch.Generator(place).manual_seed(seed)
    torch.manual_seed(seed)  # for dropout
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)
    steps = math.ceil(len(images) / batch_size)
    # The rise takes a quarter of all steps; with fewer than eight steps a quarter would be no step at all.
    total = max(epochs * steps, 8)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total, pct_start=0.25)
    mean = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(average), use_buffers=True)
        if average
        else None
    )

    log = Log(
        settings={
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "label_smoothing": label_smoothing,
            "average": average,
            "seed": seed,
            "device": place.type,
        }
    )
    for epoch in range(1, epochs + 1):
        started = time.perf_counter()
        bar = tqdm(
            total=steps, desc=f"epoch {epoch}/{epochs}", disable=not progress, file=sys.stdout, ncols=100
        )
        loss_sum, correct = torch.zeros((), device=place), torch.zeros((), device=place)
        order = torch.randperm(len(images), generator=generator, device=place)
        for step, chosen in enumerate(order.split(batch_size), start=1):
            batch, target = _pixels(images[chosen]), labels[chosen]
            if augment is not None:
                batch = augment(batch, generator).contiguous(memory_format=torch.channels_last)
            logits = model(batch)
            loss = F.cross_entropy(logits, target, label_smoothing=label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            if mean is not None:
                mean.update_parameters(model)
            loss_sum += loss.detach() * len(chosen)
            correct += (logits.detach().argmax(1) == target).sum()
            if step % 20 == 0 or step == steps:  # asking a GPU for a number makes it wait, so not every step
                seen = min(step * batch_size, len(images))
                _require_finite(loss_sum.item(), epoch, step, learning_rate)
                bar.set_postfix_str(
                    f"loss {loss_sum.item() / seen:.4f} acc {correct.item() / seen:.2%}", refresh=False
                )
                bar.update(step - bar.n)
        valid_loss, valid_accuracy = evaluate(mean or model, valid)
        values = (
            epoch,
            loss_sum.item() / len(images),
            correct.item() / len(images),
            valid_loss,
            valid_accuracy,
            time.perf_counter() - started,
        )
        log.rows.append({name: round(value, 6) for name, value in zip(COLUMNS, values, strict=True)})
        bar.set_postfix_str(f"{bar.postfix} valid {valid_loss:.4f} {valid_accuracy:.2%}")
        bar.close()
    if mean is not None:
        model.load_state_dict(mean.module.state_dict())
    model.eval()
    return log


def _pixels(images: Tensor) -> Tensor:
    """uint8 [N, H, W] in 0..255 to float [N, 1, H, W] in 0..1; floats are taken to be in 0..1 already."""
    scaled = images.float() / 255 if images.dtype == torch.uint8 else images.float()
    return scaled.unsqueeze(1).contiguous(memory_format=torch.channels_last)


def _require_finite(loss: float, epoch: int, step: int, learning_rate: float) -> None:
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"the loss became {loss} in epoch {epoch}, by batch {step}: build the network anew and train "
            f"with a smaller learning_rate (now {learning_rate}; try {learning_rate / 4:g}), and see that "
            "nothing divides by zero or takes the logarithm of 0"
        )


def _line(row: dict[str, float]) -> str:
    shown = (
        f"{row['epoch']:.0f}",
        f"{row['train_loss']:.4f}",
        f"{row['train_accuracy']:.2%}",
        f"{row['valid_loss']:.4f}",
        f"{row['valid_accuracy']:.2%}",
        f"{row['seconds']:.1f}",
    )
    return "  ".join(value.rjust(len(name)) for name, value in zip(COLUMNS, shown, strict=True))
