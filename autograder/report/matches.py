"""Lays two notebooks side by side: their own cells, cut into passages that match and passages that do not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autograder.report.fingerprints import CellPrint, K, places
from autograder.text import clean

LONGEST_SIDE = 40_000
"""Characters of one side that are shown; what comes after is left out with a word."""


@dataclass(frozen=True)
class Passage:
    """A piece of a cell; `number` is that of the match it belongs to, on both sides, or 0 for none."""

    text: str
    number: int


@dataclass(frozen=True)
class Side:
    """The cells of one notebook that hold code of the student's own; `number` counts code cells from 1."""

    cells: tuple[tuple[int, tuple[Passage, ...]], ...]
    cut: bool


@dataclass
class _Slice:
    """A matching stretch of one cell: places in its source, and its fingerprints."""

    cell: int
    start: int
    end: int
    hashes: set[int]
    number: int = 0


def side_by_side(
    first: Sequence[CellPrint], second: Sequence[CellPrint], common: frozenset[int]
) -> tuple[Side, Side]:
    """Both notebooks, with matching passages under the same number."""
    ours, theirs = _own(first) - common, _own(second) - common
    left, right = _slices(first, ours & theirs), _slices(second, ours & theirs)
    for number, piece in enumerate(left, start=1):
        piece.number = number
    holders: dict[int, list[int]] = {}
    for piece in left:
        for value in piece.hashes:
            holders.setdefault(value, []).append(piece.number)
    for piece in right:
        votes = Counter(number for value in piece.hashes for number in holders[value])
        piece.number = max(votes, key=lambda number: (votes[number], -number))
    return _side(first, left), _side(second, right)


def _own(cells: Sequence[CellPrint]) -> set[int]:
    return {value for cell in cells for value in cell.hashes[cell.own].tolist()}


def _slices(cells: Sequence[CellPrint], shared: set[int]) -> list[_Slice]:
    from copydetect.utils import get_copied_slices

    wanted = np.fromiter(shared, dtype=np.int64, count=len(shared))
    result = []
    for number, cell in enumerate(cells):
        starts = np.flatnonzero(cell.own & np.isin(cell.hashes, wanted))
        if not len(starts):
            continue
        at = places(cell.source)
        for start, end in get_copied_slices(starts, K).T.astype(int).tolist():
            inside = starts[(starts >= start) & (starts + K <= end)]
            hashes = set(cell.hashes[inside].tolist())
            result.append(_Slice(number, int(at[start]), int(at[end - 1]) + 1, hashes))
    return _to_whole_words(result, cells)


def _to_whole_words(slices: list[_Slice], cells: Sequence[CellPrint]) -> list[_Slice]:
    """A name counts as one character of the filtered text, and a match may begin amid a word of Python's."""
    for piece in slices:
        source = cells[piece.cell].source
        while piece.start > 0 and _in_word(source[piece.start - 1 : piece.start + 1]):
            piece.start -= 1
        while piece.end < len(source) and _in_word(source[piece.end - 1 : piece.end + 1]):
            piece.end += 1
    return slices


def _in_word(two: str) -> bool:
    return two.replace("_", "a").isalnum()


def _side(cells: Sequence[CellPrint], slices: Sequence[_Slice]) -> Side:
    shown: list[tuple[int, tuple[Passage, ...]]] = []
    left = LONGEST_SIDE
    for number, cell in enumerate(cells):
        if not cell.own.any():
            continue
        if len(cell.source) > left:
            return Side(tuple(shown), True)
        left -= len(cell.source)
        shown.append((number + 1, _passages(cell.source, [one for one in slices if one.cell == number])))
    return Side(tuple(shown), False)


def _passages(source: str, slices: Sequence[_Slice]) -> tuple[Passage, ...]:
    passages, at = [], 0
    for piece in slices:
        start = max(piece.start, at)
        if start > at:
            passages.append(Passage(clean(source[at:start]), 0))
        if piece.end > start:
            passages.append(Passage(clean(source[start : piece.end]), piece.number))
        at = max(at, piece.end)
    passages.append(Passage(clean(source[at:]), 0))
    return tuple(passage for passage in passages if passage.text)
