"""Reads the CSV files that an instructor gives; whatever is wrong is told with the file and the line."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

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
