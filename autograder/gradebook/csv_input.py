"""Reads the CSV files that an instructor gives: rosters, times of handing in, points by hand.

Whatever is wrong is told with the file and the line.
"""

import csv
import io
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.gradebook.models import Points

TIME_COLUMNS = ("submission", "submitted_at")
POINTS_COLUMNS = ("student", "exercise", "question", "points", "reason", "by")
MOST_BYTES = 20 * 1024 * 1024


class CsvError(ValueError):
    """A file that cannot be read as the table that it should be."""


@dataclass(frozen=True)
class CsvTable:
    """A table: its column names, and each row with the number of the line it ends in; all cells are texts."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    delimiter: str

    def column(self, name: str) -> int | None:
        """Where the column `name` stands, whatever its case, or None."""
        wanted = name.casefold()
        return next((i for i, column in enumerate(self.columns) if column.strip().casefold() == wanted), None)


def read_csv(path: Path, required: tuple[str, ...] = ()) -> CsvTable:
    """Read a CSV file in UTF-8, separated by commas or semicolons, with at least the `required` columns."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CsvError(f"{path} has more than {MOST_BYTES // 2**20} MiB; is it the right file?")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CsvError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CsvError(f"{path} is not UTF-8; save it as 'CSV UTF-8'") from None
    head = text.split("\n", 1)[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = tuple(next(reader, []))
        rows = tuple((reader.line_num, tuple(row)) for row in reader if any(cell.strip() for cell in row))
    except csv.Error as error:
        raise CsvError(f"{path}, line {reader.line_num}: {error}") from None
    sheet = CsvTable(path, columns, rows, delimiter)
    for name in required:
        if sheet.column(name) is None:
            raise CsvError(
                f"{path} lacks the column {name!r}; its first line must name {', '.join(required)}, and it"
                f" names {', '.join(columns) or 'nothing'}"
            )
    for line, row in rows:
        if len(row) > len(columns):
            raise CsvError(f"{path}, line {line}: {len(row)} cells, but the first line names {len(columns)}")
    return sheet


def cell(row: tuple[str, ...], index: int | None) -> str:
    """A cell's text; rows may end early."""
    return row[index].strip() if index is not None and index < len(row) else ""


def read_times(path: Path) -> dict[str, datetime]:
    """The times in a CSV file with the columns submission and submitted_at, by the submission's name.

    A name is that of grades.csv or of the file, a time is ISO 8601 with an offset from UTC
    (`2027-03-01T22:10:00+01:00`). Raises `CsvError` with the line's number for anything else, and for a
    submission that is named twice.
    """
    sheet = read_csv(path, TIME_COLUMNS)
    name_at, time_at = (sheet.column(name) for name in TIME_COLUMNS)
    times: dict[str, datetime] = {}
    for line, row in sheet.rows:
        name, text = cell(row, name_at), cell(row, time_at)
        if not name:
            raise CsvError(f"{path}, line {line}: the submission's name is missing")
        if name in times:
            raise CsvError(f"{path}, line {line}: {name!r} has a time already; keep one of the two lines")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise CsvError(
                f"{path}, line {line}: submitted_at is {text!r}, but it must be a time with an offset, for"
                " example 2027-03-01T22:10:00+01:00"
            )
        times[name] = moment
    return times


def submitted_at(name: str, path: Path, times: Mapping[str, datetime]) -> datetime | None:
    """When the submission `name` in the file `path` was handed in; None where not even the file says so."""
    for known in (name, f"{name}{path.suffix}", path.name):
        if known in times:
            return times[known]
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def read_points(
    path: Path, questions: Mapping[str, Collection[str]], students: Collection[str]
) -> list[Points]:
    """The rows of a CSV file with the columns student, exercise, question, points, reason and by.

    `questions` are the names there are, by exercise, and `students` those of the class. Raises `CsvError`
    with the line's number for an unknown name, points that are not a finite number, and an empty cell.
    """
    sheet = read_csv(path, POINTS_COLUMNS)
    places = {name: sheet.column(name) for name in POINTS_COLUMNS}
    result = []
    for line, row in sheet.rows:
        told = {name: cell(row, places[name]) for name in POINTS_COLUMNS}
        where = f"{path}, line {line}"
        for name, value in told.items():
            if not value:
                raise CsvError(f"{where}: {name} is empty; every row says all of {', '.join(POINTS_COLUMNS)}")
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
