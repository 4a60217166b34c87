"""Turns what is added into rows, and leaves out what the newest row says already."""

import hashlib
import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from autograder.gradebook import schema
from autograder.gradebook.models import Attempt, Points
from autograder.record import Record
from autograder.verdict import Verdict


def check(attempt: Attempt, record: Record | None, content: bytes) -> None:
    """Raise `ValueError` where an attempt, its record and its bytes do not belong together."""
    if digest(content) != attempt.submission:
        raise ValueError(f"{attempt.name}: the hash {attempt.submission} is not that of the bytes handed in")
    if attempt.submitted_at is not None and attempt.submitted_at.tzinfo is None:
        raise ValueError(f"{attempt.name}: submitted_at {attempt.submitted_at} says no offset from UTC")
    if record is None:
        return
    if (record.key.exercise, record.key.submission) != (attempt.exercise, attempt.submission):
        raise ValueError(f"{attempt.name}: the record is of another exercise or of other bytes")
    if not all(map(math.isfinite, (record.outcome.score, record.outcome.max_score, record.outcome.seconds))):
        raise ValueError(f"{attempt.name}: score, max_score and seconds must be finite numbers")


def add(connection: Connection, attempt: Attempt, record: Record | None, content: bytes) -> None:
    """Add what is new of one hand-in."""
    insert(connection, schema.contents, [{"id": attempt.submission, "bytes": content}])
    told = {
        "exercise": storable(attempt.exercise),
        "name": storable(attempt.name),
        "student": storable(attempt.student),
        "submission": attempt.submission,
        "filename": storable(attempt.filename),
        "submitted_at": attempt.submitted_at,
    }
    _append(connection, schema.attempts, told, ("exercise", "name", "submission"), "added_at")
    if record is not None:
        _add_grading(connection, record)


def _add_grading(connection: Connection, record: Record) -> None:
    outcome, data = record.outcome, record.to_bytes()
    insert(connection, schema.contents, [{"id": digest(data), "bytes": data}])
    told = {
        "exercise": storable(record.key.exercise),
        "submission": record.key.submission,
        "tests": record.key.tests,
        "grader": record.key.grader,
        "verdict": outcome.verdict.value,
        "score": float(outcome.score),
        "max_score": float(outcome.max_score),
        "seconds": float(outcome.seconds),
        "message": storable(outcome.message),
        "record": digest(data),
    }
    table = schema.gradings
    failed = outcome.verdict is Verdict.GRADER_ERROR
    about = (
        table.c.verdict == outcome.verdict.value if failed else table.c.verdict != Verdict.GRADER_ERROR.value
    )
    # Equal keys mean equal grades, so a second grading under the key that counts tells nothing new.
    saying = ("tests", "grader", "record") if failed else ("tests", "grader")
    _append(connection, table, told, ("exercise", "submission"), "graded_at", about, saying)


def add_points(connection: Connection, given: Iterable[Points]) -> int:
    """Add what is new of points given by hand; how many rows that made."""
    new = 0
    for item in given:
        if not math.isfinite(item.points):
            raise ValueError(f"{item.student}, {item.question}: points must be a finite number")
        texts = ("student", "exercise", "question", "reason", "by")
        told = {name: storable(getattr(item, name)) for name in texts} | {"points": float(item.points)}
        new += _append(connection, schema.points, told, ("student", "exercise", "question"), "added_at")
    return new


def _append(
    connection: Connection,
    table: Table,
    told: dict[str, Any],
    subject: tuple[str, ...],
    clock: str,
    about: Any = None,
    saying: tuple[str, ...] | None = None,
) -> bool:
    """Add a row unless the newest about the same `subject` says the same; whether it was added."""
    query = select(table).where(*(table.c[name] == told[name] for name in subject))
    if about is not None:
        query = query.where(about)
    query = query.order_by(table.c[clock].desc(), table.c.id.desc()).limit(1)
    newest = connection.execute(query).mappings().one_or_none()
    if newest is not None and all(newest[name] == told[name] for name in saying or tuple(told)):
        return False
    now = datetime.now(UTC)
    if newest is not None:  # clocks are set back now and then; the newest row must be the newest all the same
        now = max(now, newest[clock] + timedelta(microseconds=1))
    row = told | {clock: now}
    return insert(connection, table, [row | {"id": identity(row)}]) == 1


def insert(connection: Connection, table: Table, new: list[dict[str, Any]]) -> int:
    """Insert rows, passing over those whose id is there already; how many were not."""
    if not new:
        return 0
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    ids = {row["id"] for row in new}
    before = set(connection.execute(select(table.c.id).where(table.c.id.in_(ids))).scalars())
    missing = {row["id"]: row for row in new if row["id"] not in before}
    if missing:
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(missing.values()))
    return len(missing)


def identity(row: dict[str, Any]) -> str:
    """The SHA-256 of what a row says, the same on every machine and in both databases."""
    plain = {
        name: value.astimezone(UTC).isoformat(timespec="microseconds")
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }
    return digest(json.dumps(plain, sort_keys=True, ensure_ascii=True, allow_nan=False).encode())


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def storable(text: str) -> str:
    r"""Text that both databases can hold: PostgreSQL knows no NUL, neither knows half a surrogate pair.

    >>> storable("a\x00b\ud800")
    'a\ufffdb\\ud800'
    """
    return text.replace("\x00", "\ufffd").encode("utf-8", "backslashreplace").decode("utf-8")


def attempt(row: Any) -> Attempt:
    """A row of `attempts` as the value it was made from."""
    return Attempt(row.exercise, row.name, row.student, row.submission, row.filename, row.submitted_at)
