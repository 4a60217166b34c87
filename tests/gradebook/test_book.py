"""The gradebook keeps everything, once, and gives it back; the same in SQLite and PostgreSQL."""

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context

import pytest
from gradebook_samples import EXERCISE, MONDAY, a_key, a_record, an_attempt, digest
from sqlalchemy import func, select

from autograder.gradebook import BookError, Points, open_gradebook, schema
from autograder.verdict import Verdict


@pytest.fixture
def book(address):
    with open_gradebook(address) as book:
        yield book


def counts(book) -> dict[str, int]:
    def work(connection):
        return {
            t.name: connection.execute(select(func.count()).select_from(t)).scalar_one()
            for t in schema.TABLES
        }

    return book.database.read(work)


def test_what_was_added_comes_back_as_it_was(book):
    attempt, record = an_attempt(), a_record(message="slow\nbut right")
    book.add(attempt, record, b"one")
    (graded,) = book.attempts()
    (grading,) = graded.gradings
    assert graded.attempt == attempt
    assert grading.record == record
    assert (grading.key, grading.verdict, grading.score, grading.max_score) == (
        record.key,
        Verdict.GRADED,
        3,
        4,
    )
    assert (grading.seconds, grading.message) == (0.5, "slow\nbut right")
    assert book.content(attempt.submission) == b"one"
    assert book.record(record.key) == record
    assert book.known([record.key, a_key(tests="others")]) == {record.key}
    assert graded.grading == grading


def test_times_keep_their_moment_whatever_their_offset(book):
    from datetime import timezone

    there = MONDAY.astimezone(timezone(timedelta(hours=-7)))
    book.add(replace(an_attempt(), submitted_at=there), None, b"one")
    (graded,) = book.attempts()
    assert graded.attempt.submitted_at == there and graded.attempt.submitted_at.utcoffset() is not None


def test_adding_the_same_again_changes_nothing(book):
    for _ in range(3):
        book.add(an_attempt(), a_record(), b"one")
    assert counts(book) == {"contents": 2, "attempts": 1, "gradings": 1, "points": 0}


def test_an_equal_key_is_graded_once_even_if_it_took_longer(book):
    book.add(an_attempt(), a_record(seconds=0.5), b"one")
    book.add(an_attempt(), a_record(seconds=0.9), b"one")
    (graded,) = book.attempts()
    assert [grading.seconds for grading in graded.gradings] == [0.5]


def test_equal_bytes_of_two_students_are_kept_once_and_graded_once(book):
    book.add(an_attempt(name="Ada"), a_record(), b"one")
    book.add(an_attempt(name="Bob"), None, b"one")
    assert counts(book) == {"contents": 2, "attempts": 2, "gradings": 1, "points": 0}
    ada, bob = book.attempts()
    assert ada.gradings == bob.gradings and len(bob.gradings) == 1
    assert [graded.attempt.name for graded in book.attempts(student="Bob")] == ["Bob"]


def test_an_attempt_may_wait_for_its_grading(book):
    book.add(an_attempt(), None, b"one")
    (graded,) = book.attempts()
    assert graded.gradings == () and graded.grading is None
    book.add(an_attempt(), a_record(), b"one")
    (graded,) = book.attempts()
    assert graded.grading.score == 3


def test_every_regrade_is_kept_and_the_newest_counts(book):
    for tests in ("old", "new"):
        book.add(an_attempt(), a_record(tests=tests, scores=(1.0,) if tests == "old" else (2.0,)), b"one")
    (graded,) = book.attempts()
    assert [grading.score for grading in graded.gradings] == [1, 2]
    assert graded.grading.key == a_key(tests="new")


def test_tests_that_are_changed_back_count_again(book):
    for tests in ("old", "new", "old", "old"):
        book.add(an_attempt(), a_record(tests=tests), b"one")
    (graded,) = book.attempts()
    assert [g.key for g in graded.gradings] == [a_key(tests=tests) for tests in ("old", "new", "old")]
    assert graded.grading.key == a_key(tests="old")


def test_our_own_failure_is_kept_but_never_counts_and_is_never_known(book):
    failure = a_record(verdict=Verdict.GRADER_ERROR)
    book.add(an_attempt(), failure, b"one")
    assert book.known([failure.key]) == set() and book.record(failure.key) is None
    book.add(an_attempt(), a_record(), b"one")
    book.add(an_attempt(), failure, b"one")
    (graded,) = book.attempts()
    assert graded.grading.verdict is Verdict.GRADED and graded.grading.score == 3
    assert book.record(failure.key) == a_record()
    assert [grading.verdict.value for grading in graded.gradings] == ["grader-error", "graded"]


def test_a_second_failure_of_ours_is_a_row_of_its_own(book):
    for seconds in (0.1, 0.2, 0.2):
        book.add(an_attempt(), a_record(verdict=Verdict.GRADER_ERROR, seconds=seconds), b"one")
    (graded,) = book.attempts()
    assert [grading.seconds for grading in graded.gradings] == [0.1, 0.2]


def test_a_corrected_time_and_student_replace_the_wrong_ones(book):
    first, second = an_attempt(hours=5), an_attempt(hours=0, student="Ada Lovelace")
    for attempt in (first, second):
        book.add(attempt, None, b"one")
    assert [graded.attempt for graded in book.attempts()] == [second]
    assert book.attempts(student="Ada") == []
    book.add(first, None, b"one")
    assert [graded.attempt for graded in book.attempts()] == [first]
    assert counts(book)["attempts"] == 3, "nothing is taken away"


def test_attempts_come_oldest_first_and_by_exercise(book):
    book.add(an_attempt(b"2", "Ada/b", hours=2), None, b"2")
    book.add(an_attempt(b"1", "Ada/a", hours=1), None, b"1")
    book.add(an_attempt(b"3", "Bob/a", hours=3, exercise="05_y"), None, b"3")
    assert [graded.attempt.name for graded in book.attempts()] == ["Ada/a", "Ada/b", "Bob/a"]
    assert [graded.attempt.name for graded in book.attempts("05_y")] == ["Bob/a"]
    assert book.attempts("05_y", "Ada") == []


def test_the_same_bytes_in_two_exercises_are_two_gradings(book):
    for exercise in (EXERCISE, "05_y"):
        book.add(an_attempt(exercise=exercise), a_record(exercise=exercise), b"one")
    assert all(len(graded.gradings) == 1 for graded in book.attempts())


def test_texts_that_a_database_cannot_hold_are_kept_readable(book):
    attempt = an_attempt(name="Ada\x00\ud800", filename="😀\x00.ipynb")
    for _ in range(2):
        book.add(attempt, a_record(message="\x00\udcff"), b"one")
    (graded,) = book.attempts()
    assert graded.attempt.name == "Ada\ufffd\\ud800" and graded.attempt.filename == "😀\ufffd.ipynb"
    assert graded.grading.message == "\ufffd\\udcff"


@pytest.mark.parametrize(
    ("attempt", "record", "content", "message"),
    [
        (an_attempt(), None, b"two", "is not that of the bytes"),
        (an_attempt(), a_record(b"two"), b"one", "of another exercise or of other bytes"),
        (an_attempt(), a_record(exercise="05_y"), b"one", "of another exercise or of other bytes"),
        (replace(an_attempt(), submitted_at=MONDAY.replace(tzinfo=None)), None, b"one", "no offset"),
        (an_attempt(), a_record(seconds=float("inf")), b"one", "finite"),
    ],
)
def test_what_does_not_belong_together_is_refused_and_nothing_is_added(
    book, attempt, record, content, message
):
    with pytest.raises(ValueError, match=message):
        book.add(attempt, record, content)
    assert set(counts(book).values()) == {0}


def test_a_content_that_there_is_not_is_said_so(book):
    with pytest.raises(BookError, match="nothing with the hash"):
        book.content("0" * 64)


def test_of_points_by_hand_the_newest_counts_and_all_are_kept(book):
    one = Points("Ada", EXERCISE, "q1", 1.0, "a typo of ours", "Eve")
    two = replace(one, points=2.0)
    other = replace(one, question="q2", points=-0.5)
    assert book.add_points([one, other]) == 2
    assert book.add_points([one, other]) == 0
    assert book.add_points([two]) == 1
    assert book.points() == [two, other]
    assert book.add_points([one]) == 1
    assert book.points(EXERCISE, "Ada") == [one, other]
    assert book.points(student="Bob") == [] and counts(book)["points"] == 4
    with pytest.raises(ValueError, match="finite"):
        book.add_points([replace(one, points=float("nan"))])


def test_many_keys_are_looked_up_at_once(book):
    keys = [a_key(str(i).encode()) for i in range(1200)]
    for i in (0, 600, 1199):
        data = str(i).encode()
        book.add(an_attempt(data, f"s{i}"), a_record(data), data)
    assert book.known(keys) == {keys[0], keys[600], keys[1199]}


def test_threads_may_share_a_book(book):
    start = threading.Barrier(8)

    def add(i: int) -> None:
        data = b"%d" % (i % 4)
        start.wait()
        book.add(an_attempt(data, f"s{i % 4}"), a_record(data), data)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert counts(book) == {"contents": 8, "attempts": 4, "gradings": 4, "points": 0}


def fill(address: str) -> None:
    with open_gradebook(address) as book:
        for i in range(10):
            data = b"%d" % i
            book.add(an_attempt(data, f"s{i}"), a_record(data), data)


def test_several_commands_may_make_and_fill_a_book_at_once(address):
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        list(pool.map(fill, [address] * 4))
    with open_gradebook(address) as book:
        assert counts(book) == {"contents": 20, "attempts": 10, "gradings": 10, "points": 0}
        assert book.record(a_key(b"3")) is not None
        assert digest(book.content(digest(b"3"))) == digest(b"3")
