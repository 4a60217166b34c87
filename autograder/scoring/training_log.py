"""Reads training_log.json by hand: bounded, plain, nothing in it is taken for granted."""

import json
import math
import re
from typing import Any

FORMAT = 2  # 1 called the numbers in the graph parameters
LARGEST_BYTES = 512 * 1024
MOST_EPOCHS = 2000
MOST_CHANGES, MOST_SEEDS, LONGEST_NAME = 20, 20, 60  # of an ablation
COLUMNS = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds")
SLUG = re.compile(r"[\w-]{1,64}")
SHA256 = re.compile(r"[0-9a-f]{64}")


class LogError(ValueError):
    """The training log is not what `convcourse` writes; the message says where."""


def read_training_log(data: bytes) -> dict[str, Any]:
    """The log as plain data: format, exercise, numbers_in_graph, network_sha256, epochs (rows of numbers),
    and ablation: for each change one list of such rows per seed, or an empty table.
    """
    if len(data) > LARGEST_BYTES:
        raise LogError(f"it is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        log = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise LogError("it is not UTF-8 text; hand it in as export_network wrote it") from None
    except (ValueError, RecursionError):
        raise LogError("it is not valid JSON") from None
    if not isinstance(log, dict):
        raise LogError(
            "it must be an object with the keys format, exercise, numbers_in_graph, network_sha256, epochs"
        )
    _expect(
        log.get("format") == FORMAT and type(log["format"]) is int, f"'format' must be {FORMAT}; export again"
    )
    _expect(_text(log.get("exercise"), SLUG), "'exercise' must be the exercise's name")
    _expect(_count(log.get("numbers_in_graph")), "'numbers_in_graph' must be a whole number")
    _expect(_text(log.get("network_sha256"), SHA256), "'network_sha256' must be 64 hexadecimal digits")
    epochs = log.get("epochs")
    return {
        "format": FORMAT,
        "exercise": log["exercise"],
        "numbers_in_graph": log["numbers_in_graph"],
        "network_sha256": log["network_sha256"],
        "epochs": _rows(epochs, "'epochs'"),
        "ablation": _ablation(log.get("ablation", {})),
    }


def summary(log: dict[str, Any]) -> str:
    """One line on a log that was read: epochs, time, losses, the last validation accuracy.

    >>> row = dict(zip(COLUMNS, (1, 0.5, 0.84, 0.2, 0.93, 90.0)))
    >>> summary({"epochs": [row, {**row, "epoch": 2, "train_loss": 0.1}], "ablation": {}})
    '2 epochs in 3.0 minutes; training loss from 0.5 to 0.1; 93.00% of the validation images at the end'
    """
    rows = log["epochs"]
    count, minutes = len(rows), sum(row["seconds"] for row in rows) / 60
    text = (
        f"{count} epoch{'s' if count > 1 else ''} in {minutes:.1f} minutes;"
        f" training loss from {rows[0]['train_loss']:.2g} to {rows[-1]['train_loss']:.2g};"
        f" {rows[-1]['valid_accuracy']:.2%} of the validation images at the end"
    )
    if log["ablation"]:
        runs = sum(map(len, log["ablation"].values()))
        text += f"; {runs} short trainings compared"
    return text


def _ablation(value: Any) -> dict[str, list[list[dict[str, float]]]]:
    _expect(
        isinstance(value, dict) and len(value) <= MOST_CHANGES,
        f"'ablation' must be a table of at most {MOST_CHANGES} changes",
    )
    for name, runs in value.items():
        _expect(
            0 < len(name) <= LONGEST_NAME, f"a change in 'ablation' has a name of 1 to {LONGEST_NAME} letters"
        )
        _expect(
            isinstance(runs, list) and 1 <= len(runs) <= MOST_SEEDS,
            f"each change in 'ablation' must be a list of 1 to {MOST_SEEDS} logs",
        )
    return {name: [_rows(rows, "a log in 'ablation'") for rows in runs] for name, runs in value.items()}


def _rows(rows: Any, what: str) -> list[dict[str, float]]:
    _expect(
        isinstance(rows, list) and 1 <= len(rows) <= MOST_EPOCHS, f"{what} must be 1 to {MOST_EPOCHS} rows"
    )
    return [_row(row, number) for number, row in enumerate(rows, start=1)]


def _row(row: Any, number: int) -> dict[str, float]:
    _expect(isinstance(row, dict), f"row {number} of a log must be an object")
    _expect(_count(row.get("epoch")), f"row {number}: 'epoch' must be a whole number")
    for name in COLUMNS[1:]:
        _expect(_number(row.get(name)), f"row {number}: {name!r} must be a finite number")
    return {name: row[name] for name in COLUMNS}


def _expect(holds: Any, rule: str) -> None:
    if not holds:
        raise LogError(rule)


def _text(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 10**12


def _number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e12 and math.isfinite(value)
