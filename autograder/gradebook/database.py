"""The connection to a gradebook: whole transactions, tried again while the database is locked or gone."""

import os
import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError

from autograder.gradebook.address import mask, without_secrets
from autograder.gradebook.models import BookError, BookRefused, BookUnavailable

# A database that is away for half a minute must cost nobody anything.
PATIENCE_S = 45.0
LOCK_WAIT_MS = 5_000
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
WRITE_LOCK = 0x636F6E76  # any number; every writer of a gradebook in PostgreSQL takes this lock

T = TypeVar("T")
# SQLite's own names for what passes: somebody else's lock, a file or a disk that is not there just now.
PASSING_SQLITE = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PROTOCOL")
MOVED = "SQLITE_READONLY_DBMOVED"
# PostgreSQL's SQLSTATE classes: connection, transaction rollback, resources, lock not available, shutdown.
PASSING_POSTGRES = ("08", "40", "53", "55P03", "57P")
# What the server answers at the door; libpq gives these no SQLSTATE.
LASTING_POSTGRES = ("authentication failed", "does not exist", "no pg_hba.conf entry", "no password supplied")


class Database:
    """An engine for one URL, and the patience to use it."""

    def __init__(self, url: URL, patience_s: float = PATIENCE_S):
        self.url = url
        self.patience_s = patience_s
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgres_engine(url)

    def __str__(self) -> str:
        return mask(self.url)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction; it may be done several times, until one is whole."""
        return self.patiently(lambda: self._transaction(work, writes=False))

    def write(self, work: Callable[[Connection], T]) -> T:
        """The same with the one lock of a writer held, so that looking and then adding is one step."""
        return self.patiently(lambda: self._transaction(work, writes=True))

    def patiently(self, work: Callable[[], T]) -> T:
        """Try until it works, what is wrong will not pass, or patience ends."""
        end, pause = time.monotonic() + self.patience_s, FIRST_PAUSE_S
        while True:
            try:
                return work()
            except (DBAPIError, sqlite3.Error) as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                if not is_passing(cause):
                    self._refuse(cause, error)
                self.engine.dispose()
                if time.monotonic() + pause > end:
                    self._give_up(cause, error)
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _transaction(self, work: Callable[[Connection], T], *, writes: bool) -> T:
        with self.engine.connect().execution_options(writes=writes) as connection, connection.begin():
            if writes and not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITE_LOCK})
            return work(connection)

    def _refuse(self, cause: BaseException | None, error: Exception) -> NoReturn:
        name = getattr(cause, "sqlite_errorname", "")
        said = without_secrets(str(cause), self.url)
        if name in ("SQLITE_NOTADB", "SQLITE_CORRUPT") or name.startswith("SQLITE_CORRUPT_"):
            raise BookRefused(
                f"{self} is not a gradebook or is damaged ({said}); it was left as it is: put a copy from"
                " your backup in its place, or name another file"
            ) from error
        if name == "SQLITE_FULL" or getattr(cause, "sqlstate", None) == "53100":
            raise BookError(
                f"the disk of {self} is full ({said}); nothing of this step was written: free some space and"
                " run the same command again"
            ) from error
        if name.startswith("SQLITE_READONLY"):
            raise BookRefused(
                f"{self} cannot be written ({said}); change its rights or name another"
            ) from error
        raise BookError(f"{self} refused: {said}") from error

    def _give_up(self, cause: BaseException | None, error: Exception) -> NoReturn:
        raise BookUnavailable(
            f"{self} was locked or gone for {self.patience_s:g} s ({without_secrets(str(cause), self.url)});"
            " end the program that holds it or bring it back, then run the same command again: what is graded"
            " already is kept"
        ) from error


def is_passing(cause: BaseException | None) -> bool:
    """Whether what the driver complains of may be over in a while."""
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "") or ""
        return name == MOVED or name.startswith(PASSING_SQLITE)
    if isinstance(cause, psycopg.Error):
        if cause.sqlstate == "53100":  # disk full
            return False
        if cause.sqlstate:
            return cause.sqlstate.startswith(PASSING_POSTGRES)
        return isinstance(cause, psycopg.OperationalError) and not any(
            words in str(cause) for words in LASTING_POSTGRES
        )
    return False


def _sqlite_engine(url: URL) -> Engine:
    path = os.path.abspath(str(url.database))

    def connect() -> sqlite3.Connection:
        # Never made anew by accident: a book that is gone must not come back empty.
        quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
        handle = sqlite3.connect(
            f"file:{quoted}?mode=rw",
            uri=True,
            timeout=LOCK_WAIT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )
        handle.execute("PRAGMA foreign_keys = ON")
        handle.execute("PRAGMA synchronous = FULL")
        return handle

    engine = create_engine(url, creator=connect)

    @event.listens_for(engine, "connect")
    def remember(handle: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def same_file(handle: Any, record: Any, proxy: Any) -> None:
        # A connection outlives its file: what is written to a deleted one is lost without a word.
        if _identity(path) != record.info["file"]:
            raise DisconnectionError

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _identity(path: str) -> tuple[int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _postgres_engine(url: URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("writes"):
            # What is read belongs together, as in SQLite: no attempt without a grading added with it.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")

    return engine
