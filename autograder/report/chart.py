"""The histogram of scores: which bars there are, and where they stand in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from autograder.text import points

BINS = 10
HEIGHT = 160
"""Height of the highest bar in pixels; widths are in percent, so that letters keep their size on a phone."""


@dataclass(frozen=True)
class Bar:
    """How many scores lie from `low` up to, but without, `high`; the last bar holds full marks alone."""

    label: str
    words: str
    count: int
    x: float
    width: float
    height: float


def bars(scores: Sequence[float], max_score: float) -> tuple[Bar, ...]:
    """Ten bars of equal width and one for full marks; every score is in exactly one of them.

    >>> [bar.count for bar in bars([0, 1.9, 2, 19.5, 20], 20)]
    [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]
    >>> bars([2, 3], 20)[1].words, bars([20], 20)[-1].words
    ('2 to less than 4', '20 (all points)')
    """
    if max_score <= 0:
        return ()
    counts = [0] * (BINS + 1)
    for score in scores:
        counts[BINS if score >= max_score else max(int(BINS * score / max_score), 0)] += 1
    edges = [points(max_score * number / BINS) for number in range(BINS + 1)]
    words = [f"{low} to less than {high}" for low, high in pairwise(edges)]
    words.append(f"{edges[-1]} (all points)")
    step, highest = 100 / (BINS + 1), max(counts)
    return tuple(
        Bar(
            label=edges[number],
            words=words[number],
            count=count,
            x=round(number * step + 0.06 * step, 3),
            width=round(0.88 * step, 3),
            height=round(HEIGHT * count / highest, 2) if highest else 0.0,
        )
        for number, count in enumerate(counts)
    )
