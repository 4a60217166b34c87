"""When each submission was handed in: from a CSV file, else the time of the file itself."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from autograder.gradebook.csv_input import CsvError, cell, read_csv

COLUMNS = ("submission", "submitted_at")


def read_times(path: Path) -> dict[str, datetime]:
    """The times in a CSV file with the columns submission and submitted_at, by the submission's name.

    A name is that of grades.csv or of the file, a time is ISO 8601 with an offset from UTC
    (`2027-03-01T22:10:00+01:00`). Raises `CsvError` with the line's number for anything else, and for a
    submission that is named twice.
    """
    sheet = read_csv(path, COLUMNS)
    name_at, time_at = (sheet.column(name) for name in COLUMNS)
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
