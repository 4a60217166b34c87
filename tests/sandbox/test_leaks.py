"""However a call ends, what is written for the student is the same byte for byte whatever was asked in it.

Each way is graded twice by the pipeline itself, with the same notebook and other hidden inputs, of which the
student's function makes the status, shape, text or time of its end.
"""

import dataclasses
import json

import pytest

from autograder import feedback, sandbox, scoring
from autograder.course import Course, CourseExercise
from autograder.gradebook import grades
from autograder.pipeline import grade_one, keys
from autograder.pipeline.job import Job
from autograder.record import Record
from autograder.verdict import WHILE_TESTED, Verdict

from .attacks.corpus import course
from .attacks.graded import LIMITS, told_to_the_student

SLUG = "00_leaks"
TEST = """
from otter.test_files import test_case

OK_FORMAT = False
name = "q1"
points = 1


@test_case(points=0, hidden=False)
def test_public(f):
    f(0)


@test_case(points=1, hidden=True, failure_message="Look again.")
def test_hidden(f, g):
    import os

    n = int(os.environ["CONVCOURSE_SECRET_SEED"], 16) % 120 + 1
    assert f(n) == "right", f"{n} was asked"
"""
# `n` is the hidden input, from 1 to 120; `f(0)` is what the public test asks.
WAYS = {
    "an exception": ("graded", "raise type(f'E{n}', (Exception,), {})(str(n))"),
    "a wrong answer": ("graded", "return n"),
    "a long answer": ("graded", "return [n] * (n * 100)"),
    "an opaque answer": ("graded", "return type(f'T{n}', (), {})()"),
    "an answer that is too deep": ("graded", "for _ in range(40 + n): n = [n]\n    return n"),
    "output": ("graded", "print(n, flush=True); os.write(1, b'%d' % n); os.write(2, b'%d' % n)"),
    "a warning": ("graded", "import warnings; warnings.warn(str(n))"),
    "names": ("graded", "globals()[f'name{n}'] = n"),
    "a file": ("graded", "open(f'file{n}', 'w').write(str(n)); os.mkdir(f'folder{n}')"),
    "sys.exit": ("graded", "sys.exit(n)"),
    "another interrupt": ("graded", "raise KeyboardInterrupt(n)"),
    "a status": ("crashed", "os._exit(n)"),
    "a status above 127": ("crashed", "os._exit(153 + n % 100)"),
    "a signal": ("crashed", "os.kill(os.getpid(), [6, 9, 10, 11, 12, 15][n % 6]); time.sleep(9)"),
    "a forged shape": ("crashed", "reply(array(b'float64', (0, n, n * n), 1) + b'x')"),
    "a forged length": ("crashed", "raw(struct.pack('>I', (65 << 20) + n)); time.sleep(9)"),
    "a forged tag": ("crashed", "reply(b'l' + bytes([0, 0, 0, 1, 128 + n]))"),
    "a closed channel": ("crashed", "[os.close(c) for c in channels]; os._exit(n)"),
    "noise": ("crashed", "raw(struct.pack('>I', 5 + n) + os.urandom(5 + n))"),
    "a flood past the capture": ("output-limit", "os.write(1, b'x' * (2 << 20)) if n else 0; time.sleep(9)"),
    "a flood": ("graded", "print(str(n) * (1 << 17))"),
    "too much memory": ("memory-limit", "raise MemoryError(n)"),
    "too much time": ("time-limit", "time.sleep(60 + n)"),
    "no ears": ("time-limit", "signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(60 + n)"),
    "what looks like processor time": ("time-limit", "os.kill(os.getpid(), signal.SIGXCPU); time.sleep(9)"),
}  # fmt: skip


@pytest.fixture(scope="module")
def exercise(tmp_path_factory):
    made = CourseExercise(SLUG, "Leaks", 1.0, "notebook", (), tmp_path_factory.mktemp("leaks"))
    (made.bundle / "tests").mkdir(parents=True)
    (made.bundle / "tests" / "q1.py").write_text(TEST)
    return made


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    monkeypatch.setattr(
        sandbox, "load_limits", lambda profile: dataclasses.replace(LIMITS, cell_s=10, wall_s=20)
    )


def notebook(*sources: str) -> bytes:
    cells = [{"cell_type": "code", "source": source, "metadata": {}} for source in sources]
    metadata = {"convcourse": {"exercise": SLUG}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}).encode()


def graded(exercise: CourseExercise, content: bytes, secret: int) -> Record:
    tests, grader = keys.tests_hash(exercise, secret), keys.grader_hash()
    job = Job.of(exercise, "ada", content, tests=tests, grader=grader, unsafe=False)
    whole = Course("Leaks", "https://x", "main", "https://x", (exercise,))
    return grade_one.grade_one(job, whole, secret)


def asked(content: bytes, secret: int) -> int:
    """What the hidden test asks this notebook."""
    from autograder.submission import read_submission

    seed = scoring.seed_for(secret, SLUG, read_submission(content, SLUG).fingerprint(), "inputs")
    return int(seed, 16) % 120 + 1


def secrets_that_differ(content: bytes) -> tuple[int, int]:
    """Two secrets under which what is asked differs in every way that the ways above look at."""
    first = asked(content, 1)
    other = next(
        s for s in range(2, 500) if all(asked(content, s) % m != first % m for m in (2, 3, 5, 6, 7, 100))
    )
    return 1, other


@pytest.mark.parametrize(("verdict", "body"), WAYS.values(), ids=WAYS)
def test_every_way_to_end_writes_the_same_pages_whatever_was_asked(exercise, verdict, body):
    f = f"def f(n):\n    if n == 0: return None\n    {body}\n"
    content = notebook("import os, signal, sys, time", course()["channel"], "print('a cell')\n" + f, "g = 1")
    records = [graded(exercise, content, secret) for secret in secrets_that_differ(content)]
    assert [str(record.outcome.verdict) for record in records] == [verdict, verdict]
    first, second = (told_to_the_student(record.outcome, record.results) for record in records)
    assert first == second
    assert records[0].outcome.message == WHILE_TESTED.get(Verdict(verdict), "")
    # The instructor's record says what it was.
    details = [record.outcome.questions[0].cases[1].detail for record in records]
    assert all(details)


@pytest.mark.parametrize("end", ["os._exit(51)", "os._exit(52)", "os.kill(os.getpid(), 9)", "time.sleep(60)"])
def test_a_cell_that_runs_again_is_told_as_a_death_in_a_test(end):
    cells = [
        sandbox.Cell(1, "import os, time\ndef f(): os._exit(3)\ndef g(): return 1"),
        sandbox.Cell(2, "x = 1"),
    ]
    limits = dataclasses.replace(LIMITS, cell_s=1)
    with sandbox.open_session(cells, limits=limits, data=None) as session:
        ran = session.run_cells()
        with pytest.raises(sandbox.StudentError):
            session.environment["f"]()
        session.cells[1] = sandbox.Cell(
            2, f"import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN); {end}"
        )
        assert session.environment["g"]() == 1  # the second cell is left out of the next run
        assert session.message == WHILE_TESTED[Verdict.CRASHED]
        assert any("Run again: Cell 2" in detail for detail in session.details)
    assert [cell.error for cell in ran] == ["", ""]


def test_no_page_shows_what_only_the_instructor_may_know(exercise):
    record = graded(exercise, notebook("import os", "def f(n):\n    if n: os._exit(77)\ng = 1"), 1)
    case = record.outcome.questions[0].cases[1]
    assert "77" in record.outcome.detail and "77" in case.detail and case.message == "Look again."
    for text in told_to_the_student(record.outcome, record.results):
        assert "77" not in text and "f()" not in text.replace("def f(n)", "")
    assert "77" not in feedback.render_feedback(record.outcome, "Leaks")
    assert "77" not in repr(grades.row(dataclasses.replace(record.outcome, seconds=0)))
