"""The gradebook: every attempt and every grading, added and never changed.

Adding what the newest row already says does nothing; anything else becomes a row of its own. So a step may be
repeated after a crash, and what was corrected can be corrected back.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, func, select

from autograder.gradebook import rows, schema
from autograder.gradebook.address import parse_address
from autograder.gradebook.database import PATIENCE_S, Database
from autograder.gradebook.migrate import migrate
from autograder.gradebook.models import Attempt, BookError, Graded, Grading, Points
from autograder.record import Key, Record
from autograder.verdict import Verdict

AT_ONCE = 500  # values in one query; SQLite has a limit


def open_gradebook(address: str | Path, *, make: bool = True, patience_s: float = PATIENCE_S) -> "Gradebook":
    """Open the gradebook at a URL or in a file, made and brought to the newest schema as needed.

    While the database is locked or gone, this and every later step wait up to `patience_s` seconds and then
    raise `BookUnavailable`. A damaged or foreign database, one of a newer schema, and with `make` false one
    that is not there, are `BookRefused` and left as they are. Open it after forking, not before; threads may
    share it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, open_gradebook(f"{folder}/gradebook.db") as book:
    ...     book.attempts()
    []
    """
    database = Database(parse_address(address), patience_s)
    migrate(database, make=make)
    return Gradebook(database)


class Gradebook:
    """An open gradebook; close it, or use it in a `with`."""

    def __init__(self, database: Database):
        self.database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return str(self.database)

    def close(self) -> None:
        """Let go of the database."""
        self.database.engine.dispose()

    def known(self, keys: Iterable[Key]) -> set[Key]:
        """Those of `keys` for which there is a grading that is not a failure of ours."""
        wanted = set(keys)
        submissions = sorted({key.submission for key in wanted})
        table = schema.gradings.c

        def work(connection: Connection) -> set[Key]:
            # Asked by submission alone, one value per key and not four, since SQLite limits the values of a
            # query; `& wanted` takes out the other keys.
            found = set()
            for chunk in _chunks(submissions):
                query = (
                    select(table.exercise, table.submission, table.tests, table.grader)
                    .where(table.submission.in_(chunk), table.verdict != Verdict.GRADER_ERROR.value)
                    .distinct()
                )
                found |= {Key(*row) for row in connection.execute(query)}
            return found & wanted

        return self.database.read(work)

    def record(self, key: Key) -> Record | None:
        """The newest grading under `key` that is not a failure of ours."""
        table = schema.gradings.c
        query = (
            select(table.record)
            .where(
                table.exercise == key.exercise,
                table.submission == key.submission,
                table.tests == key.tests,
                table.grader == key.grader,
                table.verdict != Verdict.GRADER_ERROR.value,
            )
            .order_by(table.graded_at.desc(), table.id.desc())
            .limit(1)
        )
        found = self.database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        return None if found is None else self._load(found)

    def add(self, attempt: Attempt, record: Record | None, content: bytes) -> None:
        """Add a hand-in, what was found (unless it is still to be graded), and the bytes, in one transaction.

        A record under a key that is known already may be added again: where a content's newest grading has
        another key, the row says that this one counts once more. Raises `ValueError` where hash, exercise
        and bytes do not belong together.
        """
        rows.check(attempt, record, content)
        self.database.write(lambda connection: rows.add(connection, attempt, record, content))

    def attempts(self, exercise: str | None = None, student: str | None = None) -> list[Graded]:
        """Every attempt with every grading of its content, oldest first; all, or one exercise's or student's.

        Of an attempt whose student or time was corrected (same exercise, name and bytes) the newest row is
        shown.
        """
        return self.database.read(lambda connection: self._attempts(connection, exercise, student))

    def content(self, submission: str) -> bytes:
        """The bytes that were handed in under this hash."""
        query = select(schema.contents.c.bytes).where(schema.contents.c.id == submission)
        found = self.database.read(lambda connection: connection.execute(query).scalar_one_or_none())
        if found is None:
            raise BookError(f"{self} holds nothing with the hash {submission}")
        return found

    def add_points(self, points: Iterable[Points]) -> int:
        """Add points given by hand, all in one transaction; how many of them were new."""
        given = list(points)
        return self.database.write(lambda connection: rows.add_points(connection, given))

    def points(self, exercise: str | None = None, student: str | None = None) -> list[Points]:
        """The points given by hand that count: of each student, exercise and question the newest row."""
        table = schema.points
        newest = _newest(table, table.c.student, table.c.exercise, table.c.question)
        query = select(table).join(newest, table.c.id == newest.c.id).where(newest.c.rank == 1)
        query = query.order_by(table.c.exercise, table.c.student, table.c.question)
        if exercise is not None:
            query = query.where(table.c.exercise == exercise)
        if student is not None:
            query = query.where(table.c.student == student)
        found = self.database.read(lambda connection: list(connection.execute(query)))
        return [Points(r.student, r.exercise, r.question, r.points, r.reason, r.by) for r in found]

    def _attempts(self, connection: Connection, exercise: str | None, student: str | None) -> list[Graded]:
        table, found = schema.attempts, schema.gradings
        newest = _newest(table, table.c.exercise, table.c.name, table.c.submission)
        query = select(table).join(newest, table.c.id == newest.c.id).where(newest.c.rank == 1)
        gradings = select(found).order_by(found.c.graded_at, found.c.id)
        if exercise is not None:
            query = query.where(table.c.exercise == exercise)
            gradings = gradings.where(found.c.exercise == exercise)
        if student is not None:
            query = query.where(table.c.student == student)
            own = select(table.c.submission).where(table.c.student == student)
            gradings = gradings.where(found.c.submission.in_(own))
        by_content: dict[tuple[str, str], list[Grading]] = defaultdict(list)
        for row in connection.execute(gradings):
            by_content[row.exercise, row.submission].append(self._grading(row))
        graded = [
            Graded(rows.attempt(row), tuple(by_content[row.exercise, row.submission]), row.added_at)
            for row in connection.execute(query)
        ]
        return sorted(graded, key=lambda item: (item.handed_in, item.added_at, item.attempt.name))

    def _grading(self, row: Any) -> Grading:
        return Grading(
            key=Key(row.exercise, row.submission, row.tests, row.grader),
            verdict=Verdict(row.verdict),
            score=row.score,
            max_score=row.max_score,
            seconds=row.seconds,
            message=row.message,
            graded_at=row.graded_at,
            load=partial(self._load, row.record),
        )

    def _load(self, record: str) -> Record:
        return Record.from_bytes(self.content(record))


def _newest(table: Any, *same: Any) -> Any:
    """Each row's place among those that speak of the same thing, 1 for the newest."""
    place = func.row_number().over(partition_by=same, order_by=(table.c.added_at.desc(), table.c.id.desc()))
    return select(table.c.id, place.label("rank")).subquery()


def _chunks(values: list[str]) -> Iterable[list[str]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
