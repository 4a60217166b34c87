"""Nothing that a gradebook holds can be changed or taken away, not even past our own code."""

import pytest
from gradebook_samples import EXERCISE, a_record, an_attempt
from sqlalchemy import select, text

from autograder.gradebook import BookError, Points, open_gradebook, schema

CHANGES = {
    "contents": "bytes = bytes",
    "attempts": "student = 'Eve'",
    "gradings": "score = 100",
    "points": "points = 100",
}


@pytest.fixture
def book(address):
    with open_gradebook(address) as book:
        book.add(an_attempt(), a_record(), b"one")
        book.add_points([Points("Ada", EXERCISE, "q1", 1.0, "why", "Eve")])
        yield book


def everything(book):
    def work(connection):
        return [
            tuple(row)
            for table in schema.TABLES
            for row in connection.execute(select(table).order_by(table.c.id))
        ]

    return book.database.read(work)


def run(book, statement: str, **values):
    return book.database.write(lambda connection: connection.execute(text(statement), values))


@pytest.mark.parametrize("table", CHANGES)
@pytest.mark.parametrize("statement", ["UPDATE {0} SET {1}", "DELETE FROM {0}"])
def test_update_and_delete_are_refused(book, table, statement):
    before = everything(book)
    with pytest.raises(BookError, match="a gradebook is only added to"):
        run(book, statement.format(table, CHANGES[table]))
    assert everything(book) == before


@pytest.mark.parametrize("table", CHANGES)
def test_emptying_a_table_at_once_is_refused(server, table):
    """SQLite knows no TRUNCATE; there DELETE is all there is."""
    with (
        open_gradebook(server.new_schema()) as book,
        pytest.raises(BookError, match="a gradebook is only added to"),
    ):
        run(book, f"TRUNCATE {table} CASCADE")


def test_replacing_a_row_is_refused_or_does_nothing(book):
    before = everything(book)
    if book.database.is_sqlite:
        run(book, "INSERT OR REPLACE INTO contents SELECT id, x'00' FROM contents")
    else:
        with pytest.raises(BookError, match="a gradebook is only added to"):
            run(
                book,
                "INSERT INTO contents SELECT id, '' FROM contents ON CONFLICT (id) DO UPDATE SET bytes = ''",
            )
    assert everything(book) == before


def test_every_table_has_its_guards(book):
    assert set(CHANGES) == {table.name for table in schema.TABLES}


def test_a_row_may_not_speak_of_bytes_that_are_not_there(book):
    with pytest.raises(BookError, match=r"(?i)foreign key"):
        run(
            book,
            "INSERT INTO attempts VALUES ('x', 'e', 'n', 's', :none, 'f', NULL, '2027-03-01 12:00:00')",
            none="0" * 64,
        )


def test_migrations_and_schema_say_the_same(book):
    """What the migrations made is what the code expects, column by column and index by index."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    def work(connection):
        context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
        return compare_metadata(context, schema.metadata)

    assert book.database.read(work) == []
