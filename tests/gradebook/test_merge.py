"""Two gradebooks become one: everything of both, once, in whichever order and database."""

import sqlite3

import pytest
from gradebook_samples import EXERCISE, a_record, an_attempt
from sqlalchemy import select, text

from autograder.gradebook import BookRefused, Points, open_gradebook, schema
from autograder.gradebook.merge import merge
from autograder.verdict import Verdict


def everything(book) -> dict[str, list]:
    def work(connection):
        return {
            t.name: [tuple(r) for r in connection.execute(select(t).order_by(t.c.id))] for t in schema.TABLES
        }

    return book.database.read(work)


def fill(book, who: str, also: str = "both") -> None:
    for name in (who, also):
        data = name.encode()
        book.add(an_attempt(data, name), a_record(data, message="é\x00"), data)
    book.add(an_attempt(b"one", who, hours=None), a_record(b"one", verdict=Verdict.GRADER_ERROR), b"one")
    book.add_points([Points(who, EXERCISE, "q1", 0.1 + 0.2, "why", "Eve")])


@pytest.fixture(params=["sqlite", "postgresql"])
def other_address(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/other.db"
    return request.getfixturevalue("server").new_schema()


def test_all_of_both_is_there_once_and_the_other_is_as_it_was(address, other_address):
    with open_gradebook(address) as book, open_gradebook(other_address) as other:
        fill(book, "ada")
        fill(other, "bob")
        mine, theirs = everything(book), everything(other)
        merged = merge(book, other_address)
        united = everything(book)
        for table in united:
            assert set(united[table]) == {*mine[table], *theirs[table]}
        assert {m.table: (m.added, m.of) for m in merged} == {
            "contents": (2, 6),
            "attempts": (3, 3),
            "gradings": (3, 3),
            "points": (1, 1),
        }
        assert [m.added for m in merge(book, other_address)] == [0, 0, 0, 0]
        assert everything(book) == united and everything(other) == theirs
        merge(other, address)
        assert everything(other) == united, "the other way round it becomes the same book"
        assert {g.attempt.name for g in book.attempts()} == {"ada", "bob", "both"}
        assert sorted(item.student for item in book.points()) == ["ada", "bob"]


def test_a_book_merged_with_itself_stays_as_it_is(address):
    with open_gradebook(address) as book:
        fill(book, "ada")
        before = everything(book)
        merge(book, address)
        assert everything(book) == before


def test_another_schema_is_refused_and_nothing_is_added(address, other_address):
    with open_gradebook(other_address) as other:
        fill(other, "bob")
        change = text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0000'")
        other.database.write(lambda connection: connection.execute(change))
    with open_gradebook(address) as book:
        with pytest.raises(BookRefused, match="has the schema '0000'"):
            merge(book, other_address)
        assert not any(everything(book).values())


def test_what_is_not_a_gradebook_is_refused(address, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    sqlite3.connect(tmp_path / "empty.db").execute("PRAGMA user_version = 1")
    with open_gradebook(address) as book:
        for name, message in (
            ("notes.txt", "is not a gradebook"),
            ("empty.db", "'none'"),
            ("none.db", "there is no"),
        ):
            with pytest.raises(BookRefused, match=message):
                merge(book, tmp_path / name)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE gradings SET score = 100",
        "UPDATE contents SET bytes = x'00'",
        "UPDATE attempts SET student = 'eve'",
    ],
)
def test_a_forged_row_is_noticed_and_nothing_is_added(tmp_path, address, forgery):
    path = tmp_path / "forged.db"
    with open_gradebook(path) as other:
        fill(other, "bob")
    handle = sqlite3.connect(path)
    for (name,) in handle.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        handle.execute(f"DROP TRIGGER {name}")
    handle.execute(forgery)
    handle.commit()
    handle.close()
    with open_gradebook(address) as book:
        with pytest.raises(BookRefused, match=r"does not have the hash .* nothing was merged"):
            merge(book, path)
        assert not any(everything(book).values())
