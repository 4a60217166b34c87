"""Finds a student of the gradebook in the list of participants that a learning platform wrote."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.gradebook.csv_input import CsvError, CsvTable, cell


@dataclass(frozen=True)
class Matches:
    """The student of each row of a roster, by the row's index; and who was not found, with the reason."""

    students: dict[int, str]
    missing: tuple[str, ...]


def match(students: Iterable[str], roster: CsvTable, columns: Sequence[str], rows: Iterable[int]) -> Matches:
    """Look each student up in the `columns` of a roster's `rows`, the most telling column first.

    Case and signs do not matter, an address may lack what follows its @, a name may be in either order.
    `columns` may join two with a +. Somebody who is found twice is missing. Raises `CsvError` where two
    students are found in one row.
    """
    indices = list(rows)
    looks = [_look(roster, column, indices) for column in columns]
    found: dict[int, str] = {}
    missing = []
    for student in students:
        places = next((look[_plain(student)] for look in looks if look.get(_plain(student))), [])
        if len(places) != 1:
            missing.append(f"{student}: {'not in' if not places else 'more than once in'} {roster.path.name}")
            continue
        (place,) = places
        if place in found:
            raise CsvError(
                f"{roster.path}, line {roster.rows[place][0]}: both {found[place]!r} and {student!r} are this"
                " person; rename one hand-in, or say in course.toml how names tell students ([hand_in])"
            )
        found[place] = student
    return Matches(found, tuple(missing))


def _look(roster: CsvTable, column: str, rows: list[int]) -> dict[str, list[int]]:
    """Which rows a text in `column` may mean."""
    result: dict[str, list[int]] = defaultdict(list)
    places = [roster.column(name) for name in column.split("+")]
    if None in places:
        return result
    for index in rows:
        text = " ".join(cell(roster.rows[index][1], place) for place in places)
        for form in {_plain(form) for form in _forms(text)} - {""}:
            result[form].append(index)
    return result


def _forms(text: str) -> Iterable[str]:
    yield text
    last, comma, first = text.partition(",")
    if comma:
        yield f"{first} {last}"
    name, at, _ = text.partition("@")
    if at:
        yield name


def _plain(text: str) -> str:
    r"""Letters and digits alone, since a hand-in's name has lost its other signs.

    >>> _plain("O'Brien,  Pat") == _plain("o_brien pat")
    True
    """
    return re.sub(r"[\W_]+", " ", text.casefold()).strip()
