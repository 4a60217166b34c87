"""Which notebooks of a class share code, beyond the blank notebook and what most of the class wrote.

Every pair is measured exactly, from one table of where each fingerprint occurs: a notebook is looked up in
the table and at once compared with all others that share enough of it. That makes a class of 1,000 a matter
of seconds, where comparing 500,000 pairs one by one takes many minutes.

It measures what matches. It cannot know why, and says nothing about it.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autograder.report.fingerprints import CellPrint, K, blank_hashes, print_cells

THRESHOLD = 0.6
"""A pair is shown from this share on: two honest solutions of the course's exercises reach 0.4 at most."""
LEAST = 150
"""Filtered characters that must match: below, it is what a few obvious lines have in common."""
COMMON = 0.5
"""What more than this part of the class wrote (and more than `COMMON_LEAST` notebooks) is nobody's own."""
COMMON_LEAST = 20


@dataclass(frozen=True)
class Notebook:
    """The code of one student's newest submission; `name` is what the page calls it."""

    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class SimilarPair:
    """Two notebooks by their places in `Similarity.notebooks`, and how much of each is in the other.

    A share is of the notebook's own code (0 to 1); `characters` counts filtered characters of `first`.
    """

    first: int
    second: int
    first_share: float
    second_share: float
    characters: int

    @property
    def share(self) -> float:
        """The larger of both: who adds much to a copy does not hide it."""
        return max(self.first_share, self.second_share)


@dataclass(frozen=True)
class Similarity:
    """What was found: pairs by falling share, and groups of notebooks whose own code is the same.

    `common` are fingerprints that more than half of the class wrote, `mostly_common` the notebooks that hold
    little else; `too_little` have too little code of their own, of `too_long` only the beginning was read.
    """

    notebooks: tuple[Notebook, ...]
    prints: tuple[tuple[CellPrint, ...], ...]
    pairs: tuple[SimilarPair, ...]
    groups: tuple[tuple[int, ...], ...]
    common: frozenset[int]
    mostly_common: tuple[int, ...]
    too_little: tuple[int, ...]
    too_long: tuple[int, ...]
    threshold: float

    @property
    def flagged(self) -> dict[str, float]:
        """The highest share of each notebook that is in a pair or a group, by its name."""
        found: dict[str, float] = {}
        for pair in self.pairs:
            for place in (pair.first, pair.second):
                name = self.notebooks[place].name
                found[name] = max(found.get(name, 0.0), pair.share)
        return found | {self.notebooks[place].name: 1.0 for group in self.groups for place in group}


def compare(notebooks: Sequence[Notebook], blank: Sequence[str], threshold: float = THRESHOLD) -> Similarity:
    """Compare every notebook with every other; `blank` are the code cells of the notebook handed out."""
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold is a share above 0 and at most 1, got {threshold}")
    known: dict[str, CellPrint] = {}
    given = blank_hashes(blank)
    read = [print_cells(notebook.cells, given, known) for notebook in notebooks]
    prints = tuple(cells for cells, _ in read)
    own = [_own(cells) for cells in prints]
    enough = [place for place, hashes in enumerate(own) if np.count_nonzero(hashes) + K - 1 >= LEAST]
    groups = _groups(enough, own)
    heads = sorted({place for place in enough} - {place for group in groups for place in group[1:]})
    common = _common([own[place] for place in enough])
    lines = [np.where(np.isin(own[place], common), 0, own[place]) for place in heads]
    pairs = [
        SimilarPair(heads[first], heads[second], one, two, characters)
        for first, second, one, two, characters in _pairs(lines, threshold)
    ]
    return Similarity(
        notebooks=tuple(notebooks),
        prints=prints,
        pairs=tuple(sorted(pairs, key=_rank)),
        groups=tuple(sorted(groups, key=lambda group: (-len(group), group))),
        common=frozenset(common.tolist()),
        mostly_common=tuple(place for place in enough if _share(own[place], common) >= threshold),
        too_little=tuple(sorted(set(range(len(notebooks))) - set(enough))),
        too_long=tuple(place for place, (_, cut) in enumerate(read) if cut),
        threshold=threshold,
    )


def _rank(pair: SimilarPair) -> tuple[float, int, int, int]:
    """The most alike first: both shares count, so that a short piece of a long notebook comes later."""
    return -(pair.first_share + pair.second_share), -pair.characters, pair.first, pair.second


def covered(starts: np.ndarray) -> np.ndarray:
    """Which places lie in one of the fingerprints that begin at `starts` (bool [places, ...], K - 1 added).

    >>> covered(np.array([False, True])).sum() == K
    np.True_
    """
    padded = np.concatenate([starts, np.zeros((K - 1, *starts.shape[1:]), dtype=bool)])
    sums = np.cumsum(padded, axis=0, dtype=np.int32)
    sums[K:] -= sums[:-K].copy()
    return sums > 0


def _share(own: np.ndarray, held: np.ndarray) -> float:
    """Which part of a notebook's own code is in `held`."""
    return float(covered(np.isin(own, held) & (own != 0)).sum() / covered(own != 0).sum())


def own_characters(cells: Sequence[CellPrint]) -> int:
    """How many filtered characters of a notebook are its own."""
    return int(covered(_own(cells) != 0).sum())


def _own(cells: Sequence[CellPrint]) -> np.ndarray:
    """A notebook's own fingerprints one after the other, each cell with K - 1 places after it; 0 is none."""
    gap = np.zeros(K - 1, dtype=np.int64)
    parts = [part for cell in cells if cell.own.any() for part in (np.where(cell.own, cell.hashes, 0), gap)]
    return np.concatenate([*parts, gap[:0]])


def _groups(places: Sequence[int], own: Sequence[np.ndarray]) -> list[tuple[int, ...]]:
    """Notebooks with equal sets of own fingerprints: one line on the page instead of a pair for each two."""
    same: dict[bytes, list[int]] = {}
    for place in places:
        same.setdefault(hashlib.sha256(np.unique(own[place]).tobytes()).digest(), []).append(place)
    return [tuple(group) for group in same.values() if len(group) > 1]


def _common(own: Sequence[np.ndarray]) -> np.ndarray:
    values, counts = np.unique(
        np.concatenate([*map(np.unique, own), np.array([], dtype=np.int64)]), return_counts=True
    )
    return values[counts > max(COMMON_LEAST, COMMON * len(own))]


def _pairs(lines: Sequence[np.ndarray], threshold: float) -> list[tuple[int, int, float, float, int]]:
    """(first, second, share of first, share of second, characters) of every pair above the threshold."""
    table = _Table(lines)
    found: dict[tuple[int, int], None] = {}
    for place in range(len(lines)):
        for other in table.similar(place, threshold):
            found[(min(place, other), max(place, other))] = None
    result = []
    for first, second in found:
        one, characters = table.share(first, second)
        two, _ = table.share(second, first)
        result.append((first, second, one, two, characters))
    return result


class _Table:
    """Where each fingerprint occurs: `users[start[i]:start[i + 1]]` are the notebooks that hold number i."""

    def __init__(self, lines: Sequence[np.ndarray]):
        sets = [np.unique(line[line != 0]) for line in lines]
        self.values, numbers = np.unique(np.concatenate([*sets, np.array([], np.int64)]), return_inverse=True)
        holders = np.repeat(np.arange(len(lines)), [len(one) for one in sets])
        order = np.argsort(numbers, kind="stable")
        self.users = holders[order]
        self.start = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(self.values)))])
        self.lines, self.sets = lines, sets
        self.sizes = [int(covered(line != 0).sum()) for line in lines]

    def similar(self, place: int, threshold: float) -> np.ndarray:
        """The other notebooks that hold at least `threshold` of the own code of the one at `place`."""
        at = np.flatnonzero(self.lines[place])
        numbers = np.searchsorted(self.values, self.lines[place][at])
        counts = self.start[numbers + 1] - self.start[numbers]
        ends = np.cumsum(counts)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        users = self.users[np.repeat(self.start[numbers], counts) + within]
        rows = np.repeat(at, counts)
        # One fingerprint covers K characters at most, so fewer than this cannot reach the threshold.
        least = max(threshold * self.sizes[place], LEAST) / K
        candidates = np.flatnonzero(np.bincount(users, minlength=len(self.lines)) >= least)
        candidates = candidates[candidates != place]
        result = []
        for some in np.array_split(candidates, len(candidates) // 256 + 1):
            column = np.full(len(self.lines), -1)
            column[some] = np.arange(len(some))
            kept = column[users] >= 0
            starts = np.zeros((len(self.lines[place]), len(some)), dtype=bool)
            starts[rows[kept], column[users[kept]]] = True
            sums = covered(starts).sum(axis=0)
            result.append(some[(sums >= threshold * self.sizes[place]) & (sums >= LEAST)])
        return np.concatenate(result)

    def share(self, place: int, other: int) -> tuple[float, int]:
        """Which part of the own code of `place` is in `other`, and how many characters that is."""
        characters = int(covered(np.isin(self.lines[place], self.sets[other])).sum())
        return characters / self.sizes[place] if self.sizes[place] else 0.0, characters


def code_cells(data: bytes) -> tuple[str, ...]:
    """The code cells of a notebook file; raises `ValueError` for anything else.

    >>> code_cells(b'{"cells": [{"cell_type": "code", "source": ["a = 1\\\\n", "b = 2"]}]}')
    ('a = 1\\nb = 2',)
    """
    try:
        cells = json.loads(data)["cells"]
        return tuple("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is not a notebook: {error!r}") from None
