"""What a training says of itself: a row per epoch, kept as JSON, CSV and TensorBoard's files."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COLUMNS = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds")


@dataclass
class Log:
    """What a training run says of itself: one row per epoch (see COLUMNS), and the settings it ran with.

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

    @property
    def best(self) -> dict[str, float]:
        """The row of the epoch with the lowest validation loss, the first of several alike."""
        return min(self.rows, key=lambda row: row["valid_loss"], default=None) or self.last

    @property
    def epochs_since_best(self) -> int:
        """How many epochs have passed without a lower validation loss."""
        return len(self.rows) - int(self.best["epoch"]) if self.rows else 0

    def add(self, *values: float) -> None:
        """Add the row of one epoch: a value for each of COLUMNS, in their order."""
        self.rows.append({name: round(value, 6) for name, value in zip(COLUMNS, values, strict=True)})

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
        """Write the rows as CSV, one line per epoch, for a spreadsheet."""
        path = Path(path)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        return path

    def __str__(self) -> str:
        return "\n".join(["  ".join(COLUMNS), *map(_line, self.rows)])


class Board:
    """TensorBoard's files in `folder`, which `tensorboard --logdir FOLDER` draws; without a folder nothing.

    An epoch that is trained again, because the run was killed before its checkpoint, replaces the one drawn
    before."""

    def __init__(self, folder: str | Path | None, first_epoch: int):
        self.writer = None
        if folder is None:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise ImportError("TensorBoard is not installed: run pip install tensorboard") from None
        self.writer = SummaryWriter(str(folder), purge_step=first_epoch)

    def add(self, row: dict[str, float]) -> None:
        """Draw one row of the log."""
        if self.writer is None:
            return
        for name in COLUMNS[1:]:
            self.writer.add_scalar(name, row[name], int(row["epoch"]))
        self.writer.flush()


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
