"""Grading again: the same bytes whatever the number of workers, and nothing that is known already."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.course import load_course
from autograder.gradebook import open_gradebook
from autograder.pipeline import grade_batch as batch
from autograder.pipeline.grade_batch import grade_batch
from autograder.submission import find_submissions

from .classes import make_class, notebook

SECRET = 918273645

# What a notebook may show that could differ from run to run. What it measures itself (time.time(), memory
# that was never written) is its own matter and differs.
AWKWARD = {
    "objects": ("print(object(), lambda: 0)\nclass A: pass\nA()", "import threading; threading.Lock()"),
    "sets": ("print({'pooling', 'padding', 'stride'}, hash('kernel'))", "{'b', 'a', 'c'} | {'d'}"),
    "places": (
        "import os, tempfile\nprint(os.getcwd(), tempfile.mkdtemp()[:5])",
        "print(sorted(os.environ))",
    ),
    "errors": ("def f(x):\n    raise ValueError(f'no {x!r}')\nf(object())", "import nowhere"),
    "warned": ("import warnings\nwarnings.warn('beware of it')", "open('/nowhere/at/all')"),
    "random": ("import random\nprint(random.random())", "import uuid, os\nprint(len(os.urandom(4)))"),
    "returned": ("double = object()", "class Odd:\n    pass\npixels = Odd()"),
    "crash": ("import os\nos._exit(3)", "pixels = 840"),
}


@pytest.fixture(scope="module")
def awkward(tmp_path_factory, tiny) -> Path:
    folder = tmp_path_factory.mktemp("awkward") / "class"
    folder.mkdir()
    for name, sources in AWKWARD.items():
        (folder / f"{name}.ipynb").write_bytes(notebook(*sources))
    (folder / "broken.ipynb").write_text("{nope")
    return folder


def pages(out: Path) -> dict[str, bytes]:
    """What students get to see, byte for byte."""
    paths = [path for path in out.rglob("*") if path.name in ("feedback.html", "results.json")]
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def scores(rows: dict[str, dict[str, str]]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(value for key, value in row.items() if key != "seconds") for name, row in rows.items()
    }


@pytest.fixture(scope="module")
def graded(awkward, command, tiny, tmp_path_factory):
    """The same class graded by one worker and by two, each with a gradebook of its own."""
    outs = []
    for workers in (1, 2):
        outs.append(tmp_path_factory.mktemp(f"workers_{workers}"))
        done = command(
            *("grade", "00_tiny", awkward, "--out", outs[-1], "--course", tiny),
            *("--secret-seed", SECRET, "--workers", workers),
        )
        assert done.returncode == 0, done.stderr
        assert f"{len(AWKWARD) + 1} new, 0 known, 0 failed" in done.stdout
    return outs


def test_two_gradings_agree_byte_for_byte_whatever_the_number_of_workers(graded, read_grades):
    first, second = graded
    assert len(pages(first)) == 2 * (len(AWKWARD) + 1)
    assert pages(first) == pages(second)
    assert scores(read_grades(first)) == scores(read_grades(second))


def test_the_pages_show_neither_addresses_nor_seconds_nor_the_secret(graded):
    for name, data in pages(graded[0]).items():
        text = data.decode()
        assert str(SECRET) not in text and "execution_time" not in text, name
        assert "SECRET_SEED" not in text and "CONVCOURSE_COURSE" not in text, name
    assert "object at 0x…" in (graded[0] / "objects" / "feedback.html").read_text(encoding="utf-8")


def test_what_is_known_is_written_anew_and_not_graded_anew(
    graded, command, tiny, awkward, tmp_path, read_grades
):
    (tmp_path / "renamed").mkdir()
    for path in awkward.iterdir():
        (tmp_path / "renamed" / f"again_{path.name}").write_bytes(path.read_bytes())
    (tmp_path / "renamed" / "fresh.ipynb").write_bytes(notebook("def double(n): return 2 * n"))
    book = graded[0] / "gradebook.db"
    done = command(
        *("grade", "00_tiny", tmp_path / "renamed", "--out", tmp_path / "out", "--course", tiny),
        *("--secret-seed", SECRET, "--gradebook", book),
    )
    assert done.returncode == 0, done.stderr
    assert f"1 new, {len(AWKWARD) + 1} known, 0 failed" in done.stdout
    before, after = read_grades(graded[0]), read_grades(tmp_path / "out")
    assert {n.removeprefix("again_"): r["score"] for n, r in after.items() if n != "fresh"} == {
        name: row["score"] for name, row in before.items()
    }
    # The record was made under another name; the page names this one.
    page = (tmp_path / "out" / "again_sets" / "feedback.html").read_text(encoding="utf-8")
    assert (
        "again_sets" in page
        and page.replace("again_sets", "sets").encode() == pages(graded[0])["sets/feedback.html"]
    )
    with open_gradebook(book) as opened:
        names = [item.attempt.name for item in opened.attempts()]
    assert {"sets", "again_sets", "fresh"} <= set(names) and len(names) == len(set(names))


def test_another_secret_or_a_changed_test_is_graded_again(graded, command, tiny, awkward, tmp_path):
    arguments = ("grade", "00_tiny", awkward / "sets.ipynb", "--out", tmp_path, "--course", tiny)
    first = command(*arguments, "--secret-seed", 1)
    assert "1 new, 0 known" in first.stdout, first.stderr
    assert "1 new, 0 known" in command(*arguments, "--secret-seed", 2).stdout
    assert "0 new, 1 known" in command(*arguments, "--secret-seed", 1).stdout
    test = tiny / "_build" / "bundles" / "00_tiny" / "tests" / "q1.py"
    text = test.read_text()
    try:
        test.write_text(text + "\n# changed\n")
        assert "1 new, 0 known" in command(*arguments, "--secret-seed", 1).stdout
    finally:
        test.write_text(text)


def test_a_corrected_hidden_test_regrades_what_it_touches_and_the_history_keeps_both(command, tiny, tmp_path):
    """The instructor finds that a hidden test asked for too much, fixes it, and regrades from the book."""
    (tmp_path / "class").mkdir()
    for name, answer in {"anna": "2 * n", "ben": "n + n", "cleo": "n * n"}.items():
        (tmp_path / "class" / f"{name}.ipynb").write_bytes(
            notebook(f"def double(n):\n    return {answer}", "pixels = 841")
        )
    book = tmp_path / "book.db"
    rest = ("--course", tiny, "--gradebook", book, "--secret-seed", SECRET)
    done = command("grade", "00_tiny", tmp_path / "class", "--out", tmp_path / "out", *rest)
    assert "3 new, 0 known, 0 failed" in done.stdout, done.stderr
    shutil.rmtree(tmp_path / "class")  # the book has everything that grading again needs
    test = tiny / "_build" / "bundles" / "00_tiny" / "tests" / "q2.py"
    text = test.read_text()
    try:
        test.write_text(text.replace("28 * 30", "841").replace("840", "841"))
        assert test.read_text() != text
        plan = command("regrade", "00_tiny", "--dry-run", *rest)
        assert "3 to grade again" in plan.stdout, plan.stderr
        assert "anna: the tests or the secret changed" in plan.stdout
        assert all(score == 2.0 * (name != "cleo") for name, score in scores_in(book).items())
        again = command("regrade", "00_tiny", "--workers", 2, *rest)
        assert again.returncode == 0 and "3 graded again" in again.stdout, again.stderr
        assert scores_in(book) == {"anna": 4.0, "ben": 4.0, "cleo": 2.0}
        assert "0 graded again" in command("regrade", "00_tiny", *rest).stdout
        shown = command("history", "anna", "--gradebook", book, "--course", tiny).stdout
        shown = " ".join(shown.split())
        assert "q2 0 -> 2" in shown and "2/6" in shown and "4/6" in shown, shown
    finally:
        test.write_text(text)


def scores_in(book: Path) -> dict[str, float]:
    """The score of each attempt by its newest grading."""
    with open_gradebook(book) as opened:
        return {graded.attempt.name: graded.grading.score for graded in opened.attempts()}


def test_ctrl_c_amid_the_writing_of_a_page_waits_for_the_whole_of_it(
    tiny, tmp_path, monkeypatch, read_grades
):
    make_class(tmp_path / "class", 3)
    found, _ = find_submissions([tmp_path / "class"])
    write = batch.feedback.write_feedback

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        write(*arguments)

    monkeypatch.setattr(batch.feedback, "write_feedback", interrupted)
    exercise = load_course(tiny).exercise("00_tiny")
    with open_gradebook(str(tmp_path / "book.db")) as book:
        with pytest.raises(KeyboardInterrupt):
            grade_batch(found, exercise, tmp_path / "out", secret=3, book=book)
        assert [graded.attempt.name for graded in book.attempts(exercise="00_tiny")] == ["s0000"]
    assert set(read_grades(tmp_path / "out")) == {"s0000"}
    assert set(pages(tmp_path / "out")) == {"s0000/feedback.html", "s0000/results.json"}


def test_ctrl_c_keeps_what_was_graded_and_the_same_command_goes_on(tiny, tmp_path, command, read_grades):
    expected = make_class(tmp_path / "class", 200)
    out = tmp_path / "out"
    arguments = ["grade", "00_tiny", tmp_path / "class", "--out", out, "--course", tiny, "--secret-seed", 3]
    process = subprocess.Popen(
        [sys.executable, "-m", "autograder.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        # Tests that run in the background inherit from their shell that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while len(list(out.glob("*/results.json"))) < 3:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "graded and kept" in errors and "Traceback" not in errors
    kept = len(read_grades(out))
    assert 3 <= kept < 200
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert f"{200 - kept} new, {kept} known, 0 failed" in done.stdout
    assert {name: float(row["score"]) for name, row in read_grades(out).items()} == expected
