"""Reads values from a table of settings; whatever is wrong is told with its key, the value and the rule."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class WrongValue(ValueError):
    """What a value should be, or what is wrong with a table; the caller adds the file."""


def table_of(value: Any, where: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """`value` if it is a table with none but these keys."""
    if value is None:
        raise WrongValue(f"it lacks the table {where}")
    if not isinstance(value, dict):
        raise WrongValue(f"{where} must be a table, got {value!r}")
    for key in value:
        if key not in keys:
            raise WrongValue(f"{where} has the unknown key {key!r}; it may have {', '.join(keys)}")
    return value


def get(table: dict[str, Any], key: str, where: str, read: Callable[[Any], T]) -> T:
    """The value of `key`, as `read` makes it of what the table has.

    >>> get({"points": -1}, "points", "[[exercise]]", positive)
    Traceback (most recent call last):
    autograder.values.WrongValue: [[exercise]] has points = -1, but it must be a number above 0
    """
    if key not in table:
        raise WrongValue(f"{where} lacks the key '{key}'")
    try:
        return read(table[key])
    except WrongValue as error:
        value = table[key]
        shown = value.isoformat() if hasattr(value, "isoformat") else repr(value)
        raise WrongValue(f"{where} has {key} = {shown}, but it must be {error}") from None


def text(value: Any) -> str:
    """A text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise WrongValue("a text in quotes that is not empty")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """A list of such texts."""
    if not isinstance(value, list):
        raise WrongValue('a list of texts, for example ["network.onnx"]')
    return tuple(text(item) for item in value)


def positive(value: Any) -> float:
    """A finite number above 0."""
    return _number(value, "a number above 0", lambda number: number > 0)


def not_negative(value: Any) -> float:
    """A finite number of at least 0."""
    return _number(value, "a number of at least 0", lambda number: number >= 0)


def percent(value: Any) -> float:
    """A number from 0 to 100."""
    return _number(value, "a percentage from 0 to 100", lambda number: 0 <= number <= 100)


def _number(value: Any, rule: str, holds: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue(rule)
    if not math.isfinite(value) or not holds(value):
        raise WrongValue(rule)
    return float(value)
