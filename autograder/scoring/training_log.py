"""Reads training_log.json by hand: bounded, plain, nothing in it is taken for granted."""

import json
import math
import re
from typing import Any

FORMAT = 2  # 1 called the numbers in the graph parameters
LARGEST_BYTES = 512 * 1024
MOST_EPOCHS = 2000
COLUMNS = ("epoch", "train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "seconds")
SLUG = re.compile(r"[\w-]{1,64}")
SHA256 = re.compile(r"[0-9a-f]{64}")


class LogError(ValueError):
    """The training log is not what `convcourse` writes; the message says where."""


def read_training_log(data: bytes) -> dict[str, Any]:
    """The log as plain data: format, exercise, numbers_in_graph, network_sha256 and epochs (rows of"
    " numbers)."""
    if len(data) > LARGEST_BYTES:
        raise LogError(f"it is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        log = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise LogError("it is not UTF-8 text") from None
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
    if not isinstance(epochs, list):
        raise LogError("'epochs' must be a list of rows")
    _expect(
        1 <= len(epochs) <= MOST_EPOCHS,
        f"'epochs' must be 1 to {MOST_EPOCHS} rows",
    )
    return {
        "format": FORMAT,
        "exercise": log["exercise"],
        "numbers_in_graph": log["numbers_in_graph"],
        "network_sha256": log["network_sha256"],
        "epochs": [_row(row, number) for number, row in enumerate(epochs, start=1)],
    }


def _row(row: Any, number: int) -> dict[str, float]:
    _expect(isinstance(row, dict), f"row {number} of 'epochs' must be an object")
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
