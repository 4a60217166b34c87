"""Brings a database to the newest schema, and refuses one that is not ours, damaged or from the future."""

import os
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from autograder.gradebook.database import Database
from autograder.gradebook.models import BookRefused
from autograder.gradebook.schema import TABLES, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"
HEADER = b"SQLite format 3\x00"


def migrate(database: Database, *, make: bool = True) -> None:
    """Make the tables, or bring older ones to today's form, in one transaction.

    Several commands may do so at once. Raises `BookRefused`, and then nothing was changed. With `make` false
    a file that is not there is refused too.
    """
    config = _config()
    scripts = _scripts(config)
    if database.is_sqlite:
        _check_file(database, make)
        database.patiently(lambda: _prepare_file(database))
    if database.read(lambda connection: _version(connection, database)) != scripts.get_current_head():
        known = {script.revision for script in scripts.walk_revisions()}
        database.write(lambda connection: _upgrade(connection, database, config, known))


def check_schema(database: Database) -> None:
    """Raise `BookRefused` unless the database is a gradebook of today's schema; nothing is written to it."""
    if database.is_sqlite:
        _check_file(database, make=False)
    version = database.read(lambda connection: _version(connection, database))
    newest = _scripts(_config()).get_current_head()
    if version != newest:
        raise BookRefused(
            f"{database} has the schema {version or 'none'!r}, but this convcourse has {newest!r}: open it"
            " once with the newer convcourse ('autograder history'), and run that one here too"
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _scripts(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)


def _upgrade(connection: Connection, database: Database, config: Config, known: set[str]) -> None:
    version = _version(connection, database)
    if version is not None and version not in known:
        raise BookRefused(
            f"{database} has the schema {version!r}, which this convcourse does not know: it was written by a"
            " newer one; update convcourse, or name another gradebook"
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection, database: Database) -> str | None:
    """Which schema there is; None for a database that has nothing in the way of ours."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return context.get_current_revision()
    foreign = tables if database.is_sqlite else tables & {table.name for table in TABLES}
    if foreign:
        raise BookRefused(
            f"{database} is not a gradebook: it holds other tables ({', '.join(sorted(foreign)[:5])}); it was"
            " left as it is: name another"
        )
    return None


def _check_file(database: Database, make: bool) -> None:
    """Look at the file before anything may write to it."""
    path = Path(str(database.url.database))
    if not path.exists():
        if not make:
            raise BookRefused(f"there is no gradebook at {path}; grade something first, or name another")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise BookRefused(f"{path} cannot be made ({error.strerror}); name another file") from None
        return
    if not path.is_file():
        raise BookRefused(f"{path} is not a file; name another")
    try:
        with open(path, "rb") as file:
            start = file.read(len(HEADER))
    except OSError as error:
        raise BookRefused(
            f"{path} cannot be read ({error.strerror}); change its rights or name another"
        ) from None
    if start and start != HEADER:
        raise BookRefused(f"{path} is not a gradebook; it was left as it is: name another file")
    if start:
        database.patiently(lambda: _check_pages(database))


def _check_pages(database: Database) -> None:
    path = os.path.abspath(str(database.url.database))
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    handle = sqlite3.connect(f"file:{quoted}?mode=ro", uri=True, timeout=5)
    try:
        (answer,) = handle.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        handle.close()
    if answer != "ok":
        raise BookRefused(
            f"{database} is damaged ({' '.join(answer.split())}); it was left as it is: put a copy from your"
            " backup in its place"
        )


def _prepare_file(database: Database) -> None:
    """Let readers and a writer work at once; only for a file that is ours or empty."""
    with database.engine.connect() as connection:
        _version(connection, database)
        handle = connection.connection.driver_connection
        assert handle is not None
        connection.rollback()
        handle.execute("PRAGMA journal_mode = WAL")
