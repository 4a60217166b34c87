"""Cells and their results; what comes out of a sandbox is checked and cleaned here before it is shown."""

import struct
from dataclasses import dataclass, field
from typing import Any

from ..text import clean_output

STATUSES = ("ok", "error", "time-limit", "memory-limit", "output-limit")
MAX_ERROR_CHARS = 10_000  # of a traceback
MAX_TEXT_CHARS = 4_000_000  # of a cell, before it is cleaned; the limit of a submission is far below
MAX_PIXELS = 25_000_000  # of an image: a small PNG can unpack to gigabytes in the reader's browser
PNG_START = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Cell:
    """One code cell of a notebook: its number among all cells, its source, its tags."""

    index: int
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class CellResult:
    """How one cell ended, and what it showed.

    `error` is the student's own traceback, or why the cell was stopped.
    """

    index: int
    status: str
    text: str = ""
    images: list[bytes] = field(default_factory=list)
    error: str = ""
    seconds: float = 0.0


def checked_result(index: int, reply: Any, seconds: float) -> CellResult | None:
    """The result that a cell's reply holds, cleaned; None where it is something else.

    The student's process may lie about everything in it, so `seconds` are the grader's own measure.
    """
    if type(reply) is not list or [type(part) for part in reply] != [str, str, str, list, str]:
        return None
    word, status, text, images, error = reply
    if word != "cell" or status not in STATUSES:
        return None
    kept = [image for image in images if is_png(image)]
    text, error = clean_output(text[:MAX_TEXT_CHARS]), clean_error(error)
    return CellResult(index, status, text, kept, error, seconds)


def clean_error(text: str) -> str:
    """A traceback, or a part of one, cleaned and cut."""
    return clean_output(text[: 4 * MAX_ERROR_CHARS])[:MAX_ERROR_CHARS]


def is_png(data: Any) -> bool:
    """Whether `data` are bytes that begin as a PNG of a bearable size does."""
    if type(data) is not bytes or not data.startswith(PNG_START) or data[12:16] != b"IHDR" or len(data) < 33:
        return False
    width, height = struct.unpack(">II", data[16:24])
    return 0 < width * height <= MAX_PIXELS
