"""Unites two gradebooks: what the other one has and this one lacks is added, row by row."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, select

from autograder.gradebook import rows, schema
from autograder.gradebook.address import parse_address
from autograder.gradebook.book import Gradebook
from autograder.gradebook.database import PATIENCE_S, Database
from autograder.gradebook.migrate import check_schema
from autograder.gradebook.models import BookRefused

AT_ONCE = 100


@dataclass(frozen=True)
class Merged:
    """How many rows of a table were added, out of how many that the other gradebook has."""

    table: str
    added: int
    of: int


def merge(book: Gradebook, other: str | Path, *, patience_s: float = PATIENCE_S) -> list[Merged]:
    """Add all of `other` to `book` in one transaction; done twice it adds nothing the second time.

    The other one is only read. Raises `BookRefused` where it is not a gradebook, has another schema, or holds
    a row that does not have the hash it says; then nothing was added.
    """
    source = Database(parse_address(other), patience_s)
    try:
        check_schema(source)
        # All at one moment: somebody may be adding to the other one, and no row may come without its bytes.
        ids = source.read(_ids)
        return book.database.write(
            lambda connection: [_copy(connection, source, table, ids[table.name]) for table in schema.TABLES]
        )
    finally:
        source.engine.dispose()


def _ids(other: Connection) -> dict[str, list[str]]:
    return {table.name: sorted(other.execute(select(table.c.id)).scalars()) for table in schema.TABLES}


def _copy(connection: Connection, source: Database, table: Table, ids: list[str]) -> Merged:
    have = set(connection.execute(select(table.c.id)).scalars())
    lacking = [identity for identity in ids if identity not in have]
    added = 0
    for start in range(0, len(lacking), AT_ONCE):
        chunk = lacking[start : start + AT_ONCE]
        found = source.read(partial(_rows, table, chunk))
        for row in found:
            _check(row, table, source)
        added += rows.insert(connection, table, found)
    return Merged(table.name, added, len(ids))


def _rows(table: Table, ids: list[str], other: Connection) -> list[dict[str, Any]]:
    query = select(table).where(table.c.id.in_(ids))
    return [dict(row) for row in other.execute(query).mappings()]


def _check(row: dict[str, Any], table: Table, source: Database) -> None:
    said = {name: value for name, value in row.items() if name != "id"}
    right = rows.digest(row["bytes"]) if table is schema.contents else rows.identity(said)
    if right != row["id"]:
        raise BookRefused(
            f"{source} is damaged: a row of {table.name} does not have the hash {row['id'][:12]}... that it"
            " says; nothing was merged: use a copy from your backup"
        )
