"""A table on its way into a CSV file, and how its numbers are written."""

import csv
import io
import re
from dataclasses import dataclass

from autograder.gradebook.grades import plain

NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?%?")


@dataclass(frozen=True)
class Table:
    """Rows of texts, and what the instructor must know of them: who is missing, what does not agree."""

    rows: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...] = ()
    delimiter: str = ","

    def to_csv(self) -> str:
        """The text of the file."""
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=self.delimiter, lineterminator="\n").writerows(self.rows)
        return buffer.getvalue()


def number(value: float) -> str:
    """A number with at most four decimals and no exponent.

    >>> number(17.6), number(20.0), number(2 / 3), number(0.00001)
    ('17.6', '20', '0.6667', '0')
    """
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def kept(cell: str) -> str:
    """A cell of somebody else's table: a number as it is, any other text without being a formula.

    >>> kept("-3.5"), kept("=1+1"), kept("Lovelace, Ada")
    ('-3.5', "'=1+1", 'Lovelace, Ada')
    """
    return cell.strip() if NUMBER.fullmatch(cell.strip()) else plain(cell)
