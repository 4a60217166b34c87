"""What is compared of a notebook: copydetect's fingerprints of its code cells, without the blank notebook's.

copydetect turns code into a string in which every name is V, every function F, every class O and every text
S, and in which spaces and comments are gone. So renaming, reformatting and comments change nothing. Every
`K` characters of that string are one fingerprint. All are kept (a winnowing window of 1, as copydetect does
by itself): the result does not depend on the seed of Python's hash, and the strings are short. No fingerprint
reaches over the end of a cell, so that the order of the cells does not matter either.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np

K = 25  # copydetect's own noise threshold
MOST_SOURCE = 40_000
"""Characters of code compared in one notebook; the lexer's time is bounded by this."""

# How many characters copydetect's filter leaves of a token; None is all of them.
LENGTHS: tuple[tuple[tuple[str, ...], int | None], ...] = (
    (("Text",), 0),
    (("Comment", "Preproc"), 1),
    (("Comment", "Hashbang"), 1),
    (("Comment",), 0),
    (("Literal", "String"), 1),
    (("Name", "Function"), 1),
    (("Name", "Class"), 1),
    ((), None),
)
PLAIN_NAMES = ((("Name",)), ("Name", "Variable"), ("Name", "Attribute"))


# The lexer's time grows with the square of the empty lines in a row, and empty lines say nothing of the code.
EMPTY_LINES = re.compile(r"\n(?:[^\S\n]*+\n){2,}+")


@dataclass(frozen=True)
class CellPrint:
    """One cell: its source, and the fingerprint at each place of its filtered text (0: none begins there)."""

    source: str
    hashes: np.ndarray
    own: np.ndarray


def normal_source(source: str) -> str:
    """A cell's source as the lexer sees it: plain line ends, no empty lines around it and few within.

    >>> normal_source("\\n\\na = 1\\r\\n\\n \\n\\n\\nb = 2\\n")
    'a = 1\\n\\n\\nb = 2'
    """
    source = source.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return EMPTY_LINES.sub("\n\n\n", source).strip("\n\ufeff")


def hashes_of(source: str) -> np.ndarray:
    """The fingerprint beginning at each place of the filtered source, as int64 [places].

    >>> a, b = hashes_of("total = first + second * third / fourth"), hashes_of("t=a+b*c/d")
    >>> len(a), len(b)
    (0, 0)
    """
    from copydetect.utils import filter_code, hashed_kgrams  # here, because copydetect imports matplotlib

    text, _ = filter_code(source, "cell.py", "python")
    return np.asarray(hashed_kgrams(text, K), dtype=np.int64)


def blank_hashes(cells: Iterable[str]) -> np.ndarray:
    """Every fingerprint of the blank notebook, sorted."""
    parts = [hashes_of(normal_source(cell)) for cell in cells]
    return np.unique(np.concatenate([*parts, np.array([], dtype=np.int64)]))


def print_cells(
    cells: Iterable[str], blank: np.ndarray, known: dict[str, CellPrint]
) -> tuple[tuple[CellPrint, ...], bool]:
    """The cells of one notebook, and whether it was too long to be read whole.

    `known` remembers cells by their source: most cells of a class are those of the blank notebook.
    """
    result: list[CellPrint] = []
    left = MOST_SOURCE
    for cell in cells:
        source = normal_source(cell)
        if len(source) > left:
            return tuple(result), True
        left -= len(source)
        if source not in known:
            hashes = hashes_of(source)
            known[source] = CellPrint(source, hashes, ~np.isin(hashes, blank))
        result.append(known[source])
    return tuple(result), False


@cache
def places(source: str) -> np.ndarray:
    """Where each character of the filtered text is in `source`, int64 [filtered length + 1].

    copydetect's own table of offsets is wrong behind the name of a class (0.5.0 notes its length alone), so
    the tokens are walked again.

    >>> places("ab = 1").tolist()
    [0, 3, 5, 6]
    """
    from pygments.lexers import get_lexer_by_name

    result: list[int] = []
    position = 0
    for kind, text in get_lexer_by_name("python").get_tokens(source):
        left = _length(tuple(kind), text)
        result += range(position, position + left)
        position += len(text)
    result.append(min(position, len(source)))
    return np.asarray(result, dtype=np.int64)


def _length(kind: tuple[str, ...], text: str) -> int:
    if kind in PLAIN_NAMES:
        return 1
    left = next(left for start, left in LENGTHS if kind[: len(start)] == start)
    return len(text) if left is None else left
