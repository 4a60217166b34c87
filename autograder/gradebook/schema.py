"""The tables of a gradebook. Rows are added and never changed; the newest that speaks of a thing is right.

Every `id` is the SHA-256 of what the row says, so that two gradebooks are merged by uniting their rows.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

VERSION_TABLE = "convcourse_schema"


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept in UTC to the microsecond; SQLite knows no offsets, so none is written there."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """A moment on its way in; one without an offset is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} says no offset from UTC")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """A moment on its way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


HASH = String(64)
metadata = MetaData()

# What students handed in and what was found, both as bytes, each kept once.
contents = Table(
    "contents",
    metadata,
    Column("id", HASH, primary_key=True),
    Column("bytes", LargeBinary, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", HASH, primary_key=True),
    Column("exercise", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("student", Text, nullable=False),
    Column("submission", HASH, ForeignKey("contents.id"), nullable=False),
    Column("filename", Text, nullable=False),
    Column("submitted_at", UtcTime),
    Column("added_at", UtcTime, nullable=False),
    Index("attempts_by_content", "exercise", "submission"),
    Index("attempts_by_student", "student"),
)

gradings = Table(
    "gradings",
    metadata,
    Column("id", HASH, primary_key=True),
    Column("exercise", Text, nullable=False),
    Column("submission", HASH, ForeignKey("contents.id"), nullable=False),
    Column("tests", HASH, nullable=False),
    Column("grader", HASH, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("max_score", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("message", Text, nullable=False),
    Column("record", HASH, ForeignKey("contents.id"), nullable=False),
    Column("graded_at", UtcTime, nullable=False),
    Index("gradings_by_content", "exercise", "submission"),
)

points = Table(
    "points",
    metadata,
    Column("id", HASH, primary_key=True),
    Column("student", Text, nullable=False),
    Column("exercise", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("points", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Index("points_by_student", "student", "exercise", "question"),
)

# In the order in which a row may refer to another.
TABLES = (contents, attempts, gradings, points)
