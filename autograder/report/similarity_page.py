"""The similarity report: pairs, the most alike first, and the first of them side by side."""

from dataclasses import dataclass
from datetime import datetime

from autograder.report.matches import Side, side_by_side
from autograder.report.page import render
from autograder.report.similarity import LEAST, Similarity, own_characters

MOST_PAIRS = 300
MOST_SIDES = 40


@dataclass(frozen=True)
class ShownPair:
    """A row of the table; `sides` is empty for the pairs that are only listed."""

    first: str
    second: str
    first_share: float
    second_share: float
    characters: int
    sides: tuple[Side, ...]


def render_similarity(found: Similarity, title: str, made_at: datetime) -> str:
    """The page as text: groups of equal code first, each with its first two members as a pair."""
    shown = _shown(found)
    taken: set[tuple[int, str, int]] = set()

    def first_of(pair: int, letter: str, number: int) -> bool:
        """Whether this is the first passage of its number on its side: it carries the link's aim."""
        key = (pair, letter, number)
        return not (key in taken or taken.add(key))  # type: ignore[func-returns-value]

    return render(
        "similarity.html",
        found=found,
        title=title,
        made_at=made_at,
        shown=shown,
        left_out=max(len(found.pairs) + len(found.groups) - len(shown), 0),
        least=LEAST,
        first_of=first_of,
    )


def _shown(found: Similarity) -> list[ShownPair]:
    """The first two of each group, which match wholly, then the pairs."""
    rows = [(group[0], group[1], 1.0, 1.0, own_characters(found.prints[group[0]])) for group in found.groups]
    rows += [
        (one.first, one.second, one.first_share, one.second_share, one.characters) for one in found.pairs
    ]
    result = []
    for place, (first, second, one, two, characters) in enumerate(rows[:MOST_PAIRS]):
        result.append(
            ShownPair(
                first=found.notebooks[first].name,
                second=found.notebooks[second].name,
                first_share=one,
                second_share=two,
                characters=characters,
                sides=_sides(found, first, second) if place < MOST_SIDES else (),
            )
        )
    return result


def _sides(found: Similarity, first: int, second: int) -> tuple[Side, ...]:
    common = found.common if not _equal(found, first, second) else frozenset[int]()
    return side_by_side(found.prints[first], found.prints[second], common)


def _equal(found: Similarity, first: int, second: int) -> bool:
    """Whether both are in one group: there even what the whole class wrote is part of what is the same."""
    return any(first in group and second in group for group in found.groups)
