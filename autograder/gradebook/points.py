"""Points that an instructor gives by hand, read from a CSV file."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path

from autograder.gradebook.csv_input import CsvError, cell, read_csv
from autograder.gradebook.models import Points

COLUMNS = ("student", "exercise", "question", "points", "reason", "by")


def read_points(
    path: Path, questions: Mapping[str, Collection[str]], students: Collection[str]
) -> list[Points]:
    """The rows of a CSV file with the columns student, exercise, question, points, reason and by.

    `questions` are the names there are, by exercise, and `students` those of the class. Raises `CsvError`
    with the line's number for an unknown name, points that are no finite number, and an empty cell.
    """
    sheet = read_csv(path, COLUMNS)
    places = {name: sheet.column(name) for name in COLUMNS}
    result = []
    for line, row in sheet.rows:
        told = {name: cell(row, places[name]) for name in COLUMNS}
        where = f"{path}, line {line}"
        for name, value in told.items():
            if not value:
                raise CsvError(f"{where}: {name} is empty; every row says all of {', '.join(COLUMNS)}")
        exercise = told["exercise"]
        _known(where, "exercise", exercise, questions)
        _known(where, f"question of {exercise}", told["question"], questions[exercise])
        _known(where, "student", told["student"], students)
        result.append(Points(**{**told, "points": _number(where, told["points"])}))  # type: ignore[arg-type]
    return result


def _known(where: str, what: str, name: str, names: Collection[str]) -> None:
    if name not in names:
        there_are = ", ".join(sorted(names)[:20]) or "none"
        raise CsvError(f"{where}: no {what} is called {name!r}; there are: {there_are}")


def _number(where: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CsvError(f"{where}: points is {text!r}, but it must be a finite number such as 1.5 or -2")
    return number
