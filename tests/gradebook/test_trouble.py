"""A database that is locked or gone for half a minute costs nothing; one that is not ours is refused."""

import os
import shutil
import sqlite3
from types import SimpleNamespace

import psycopg
import pytest
from gradebook_samples import a_record, an_attempt
from sqlalchemy import text

from autograder.gradebook import BookError, BookRefused, BookUnavailable, database, open_gradebook
from autograder.gradebook.schema import VERSION_TABLE


class Clock:
    """Time that passes only while somebody sleeps; `at` does something once so many seconds have gone."""

    def __init__(self):
        self.now, self.plans = 0.0, []

    def at(self, seconds, act):
        self.plans.append((seconds, act))

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        for plan in [plan for plan in self.plans if plan[0] <= self.now]:
            self.plans.remove(plan)
            plan[1]()


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(database, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep))
    monkeypatch.setattr(database, "LOCK_WAIT_MS", 1)
    return clock


def lock(address: str):
    """Somebody else's lock on the whole book."""
    if address.startswith("sqlite"):
        other = sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
    else:
        other = psycopg.connect(address)
        other.execute(f"SELECT pg_advisory_xact_lock({database.WRITE_LOCK})")
    return other


def names(book) -> list[str]:
    return [graded.attempt.name for graded in book.attempts()]


def test_a_lock_of_thirty_seconds_costs_nothing(address, clock):
    with open_gradebook(address) as book:
        other = lock(address)
        clock.at(30, other.close)
        book.add(an_attempt(), a_record(), b"one")
        assert names(book) == ["Ada/first"] and clock.now >= 30


def test_a_lock_that_stays_is_an_error_that_says_what_to_do(address, clock):
    with open_gradebook(address) as book:
        other = lock(address)
        with pytest.raises(
            BookUnavailable, match=r"locked or gone for 45 s .* run the same command again"
        ) as caught:
            book.add(an_attempt(), a_record(), b"one")
        other.close()
        assert "a-password" not in str(caught.value) and str(book) in str(caught.value)
        book.add(an_attempt(), a_record(), b"one")
        assert names(book) == ["Ada/first"]


def test_a_file_that_is_away_for_thirty_seconds_costs_nothing(tmp_path, clock):
    path, away = tmp_path / "book.db", tmp_path / "away"
    with open_gradebook(path) as book:
        book.add(an_attempt(), a_record(), b"one")
        path.rename(away)
        clock.at(30, lambda: away.rename(path))
        book.add(an_attempt(b"two", "Bob"), None, b"two")
        assert clock.now >= 30
    with open_gradebook(path, make=False) as book:
        assert names(book) == ["Ada/first", "Bob"]


def test_a_file_that_stays_away_is_an_error_and_not_an_empty_new_book(tmp_path, clock):
    path = tmp_path / "book.db"
    with open_gradebook(path) as book:
        book.add(an_attempt(), None, b"one")
        path.unlink()
        with pytest.raises(BookUnavailable, match=f"sqlite:///{path} was locked or gone"):
            book.add(an_attempt(b"two", "Bob"), None, b"two")
        assert not path.exists()


def test_a_server_that_is_down_for_thirty_seconds_costs_nothing(make_server, clock):
    server = make_server()
    address = server.new_database()
    with open_gradebook(address) as book:
        book.add(an_attempt(), a_record(), b"one")
        server.stop()
        clock.at(30, server.start)
        book.add(an_attempt(b"two", "Bob"), None, b"two")
        assert names(book) == ["Ada/first", "Bob"] and clock.now >= 30
        server.stop()
        with pytest.raises(BookUnavailable, match=r"postgres:\*\*\*@"):
            book.attempts()


def test_a_server_that_does_not_know_the_database_is_not_asked_twice(server, clock):
    with pytest.raises(BookError, match="does not exist"):
        open_gradebook(server.url("nowhere"))
    assert clock.now == 0


def test_a_newer_schema_is_refused_and_left_as_it_is(address):
    with open_gradebook(address) as book:
        book.database.write(lambda c: c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")))
    with pytest.raises(BookRefused, match="written by a newer one; update convcourse"):
        open_gradebook(address)


def test_another_programs_tables_are_refused_and_left_as_they_are(tmp_path):
    path = tmp_path / "photos.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE photos (id INTEGER)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(BookRefused, match=r"is not a gradebook: it holds other tables \(photos\)"):
        open_gradebook(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["photos.db"]


def test_tables_of_our_names_that_are_not_ours_are_refused(new_address):
    address = new_address()
    if address.startswith("sqlite"):
        sqlite3.connect(address.removeprefix("sqlite:///")).execute("CREATE TABLE attempts (id INTEGER)")
    else:
        with psycopg.connect(address) as other:
            other.execute("CREATE TABLE attempts (id INTEGER)")
    with pytest.raises(BookRefused, match="holds other tables"):
        open_gradebook(address)


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "grades.csv"
    path.write_text("submission,score\n" * 1000)
    with pytest.raises(BookRefused, match="is not a gradebook; it was left as it is"):
        open_gradebook(path)
    assert path.read_text() == "submission,score\n" * 1000 and os.listdir(tmp_path) == ["grades.csv"]


@pytest.mark.parametrize("damage", ["one page", "middle", "cut short"])
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path, damage):
    path = tmp_path / "book.db"
    with open_gradebook(path) as book:
        for i in range(50):
            data = os.urandom(5000)
            book.add(an_attempt(data, f"s{i}"), None, data)
    data = bytearray(path.read_bytes())
    if damage == "one page":  # of what was handed in, far from anything that opening reads
        data[-4096:-3896] = b"\xff" * 200
    elif damage == "middle":
        for page in range(2, len(data) // 4096, 2):
            data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    else:
        del data[len(data) // 2 :]
    path.write_bytes(data)
    with pytest.raises(BookRefused, match=r"damaged.* backup"):
        open_gradebook(path)
    assert path.read_bytes() == data


def test_a_full_disk_is_said_and_takes_nothing_away(tmp_path):
    path = tmp_path / "book.db"
    with open_gradebook(path) as book:
        book.add(an_attempt(), a_record(), b"one")

        def full(connection):
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # as small as it may be: what there is

        book.database.read(full)
        data = os.urandom(100_000)
        with pytest.raises(BookError, match=r"the disk of .* is full .* run the same command again"):
            book.add(an_attempt(data, "Bob"), None, data)
        assert names(book) == ["Ada/first"]


def test_an_empty_file_becomes_a_book(tmp_path):
    path = tmp_path / "book.db"
    path.touch()
    with open_gradebook(path) as book:
        assert book.attempts() == []


def test_a_book_that_must_be_there_is_not_made(tmp_path):
    with pytest.raises(BookRefused, match="there is no gradebook at"):
        open_gradebook(tmp_path / "none.db", make=False)
    assert os.listdir(tmp_path) == []


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(BookRefused, match="is not a file"):
        open_gradebook(tmp_path)


def test_a_book_in_a_place_with_odd_signs_works(tmp_path):
    folder = tmp_path / "a ?b#c%20d é"
    with open_gradebook(folder / "book.db") as book:
        book.add(an_attempt(), None, b"one")
    with open_gradebook(folder / "book.db", make=False) as book:
        assert names(book) == ["Ada/first"]


@pytest.mark.parametrize(
    "address",
    [
        "mysql://host/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=ro",
        "http://x",
        "://",
        "a://b://",
    ],
)
def test_an_address_of_another_kind_is_refused(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BookRefused, match="sqlite:///FILE"):
        open_gradebook(address)
    assert os.listdir(tmp_path) == []


def test_a_copied_book_is_a_book(tmp_path):
    with open_gradebook(tmp_path / "book.db") as book:
        book.add(an_attempt(), a_record(), b"one")
    shutil.copy(tmp_path / "book.db", tmp_path / "copy.db")
    with open_gradebook(tmp_path / "copy.db", make=False) as book:
        assert book.attempts()[0].grading.record == a_record()
