"""A finished grading is on disk before anything else and in the gradebook as soon as that can be."""

import threading
import time
from datetime import UTC, datetime

import pytest

from autograder.gradebook import Attempt, BookError, BookUnavailable
from autograder.pipeline.keys import submission_hash
from autograder.pipeline.spool import Spool, pack, unpack
from autograder.record import Key, Record, RecordError
from autograder.verdict import Outcome, Verdict


class Book:
    """A gradebook that remembers; `moods` are raised one by one, before it takes anything again."""

    def __init__(self, *moods: Exception) -> None:
        self.moods = list(moods)
        self.taken: list[str] = []
        self.open = threading.Event()
        self.open.set()

    def add(self, attempt: Attempt, record: Record, content: bytes) -> None:
        self.open.wait(30)
        if self.moods:
            raise self.moods.pop(0)
        assert submission_hash(content) == attempt.submission == record.key.submission
        self.taken.append(attempt.name)


def grading(name: str) -> tuple[Attempt, Record, bytes]:
    content = f"the notebook of {name}".encode()
    key = Key("00_tiny", submission_hash(content), "t" * 64, "g" * 64)
    when = datetime(2027, 3, 1, 21, 10, tzinfo=UTC)
    attempt = Attempt("00_tiny", name, name, key.submission, f"{name}.ipynb", when)
    return (
        attempt,
        Record(key, Outcome(name, "00_tiny", Verdict.GRADED, 1.0, 6.0, 0.5), {"score": 1.0}),
        content,
    )


def waiting(folder) -> list:
    return sorted(folder.glob("*.grading")) if folder.exists() else []


def test_a_grading_comes_out_as_it_went_in():
    attempt, record, content = grading("Ada")
    assert unpack(pack(attempt, record, content)) == (attempt, record, content)
    for data in (b"", pack(attempt, record, content)[:-1], b"x" * 40):
        with pytest.raises(RecordError):
            unpack(data)


def test_everything_reaches_the_book_in_order_and_the_folder_is_gone(tmp_path):
    book = Book()
    spool = Spool(tmp_path / "spool", book)
    for name in ("Ada", "Ben", "Cem"):
        spool.put(*grading(name))
    assert spool.close() == 0
    assert book.taken == ["Ada", "Ben", "Cem"] and not (tmp_path / "spool").exists()


def test_a_book_that_is_locked_stops_nobody_and_gets_all_in_the_end(tmp_path):
    book = Book(BookUnavailable("locked"), BookUnavailable("locked still"))
    book.open.clear()
    spool = Spool(tmp_path / "spool", book)
    for name in ("Ada", "Ben"):
        spool.put(*grading(name))  # returns, although the book does not answer
    assert len(waiting(tmp_path / "spool")) == 2 and not book.taken
    book.open.set()
    deadline = time.monotonic() + 30
    while len(book.taken) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert spool.close() == 0 and book.taken == ["Ada", "Ben"]


@pytest.mark.parametrize("mood", [BookUnavailable("gone"), BookError("foreign"), RuntimeError("odd")])
def test_what_the_book_does_not_take_waits_for_the_next_run(tmp_path, mood):
    book = Book(*[mood] * 1000)
    spool = Spool(tmp_path / "spool", book)
    for name in ("Ada", "Ben"):
        spool.put(*grading(name))
    assert spool.close() == 2 and str(mood) in spool.trouble
    assert len(waiting(tmp_path / "spool")) == 2
    book.moods.clear()
    again = Spool(tmp_path / "spool", book)
    again.drain()
    assert sorted(book.taken) == ["Ada", "Ben"]
    assert again.close() == 0


def test_a_damaged_file_is_put_aside_and_holds_nobody_up(tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "0000.grading").write_bytes(b"half a fi")
    book = Book()
    spool = Spool(folder, book)
    spool.put(*grading("Ada"))
    assert spool.close() == 0 and book.taken == ["Ada"]
    assert spool.damaged == [folder / "0000.damaged"] and spool.damaged[0].exists()


def test_the_same_grading_twice_is_one_file(tmp_path):
    book = Book()
    book.open.clear()
    spool = Spool(tmp_path / "spool", book)
    for _ in range(2):
        spool.put(*grading("Ada"))
    assert len(waiting(tmp_path / "spool")) == 1
    book.open.set()
    assert spool.close() == 0


def test_who_is_in_a_hurry_does_not_wait_for_the_book(tmp_path):
    book = Book()
    book.open.clear()
    spool = Spool(tmp_path / "spool", book)
    spool.put(*grading("Ada"))
    assert spool.close(patience_s=0.1) == 1
    assert len(waiting(tmp_path / "spool")) == 1
    book.open.set()
