"""The explanation of a score: the evidence is complete, and a student sees nothing that is hidden."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from autograder.record import Key, Record
from autograder.report import (
    AttemptLine,
    GradingLine,
    Today,
    explain,
    print_explanation,
    read_sources,
    render_explanation,
)
from autograder.verdict import CaseOutcome, CellOutcome, Outcome, QuestionOutcome, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SUBMISSION, TESTS, GRADER = "5" * 64, "7" * 64, "9" * 64
HINT = "Count the border at both sides."
QUESTION = f'''
from otter.test_files import test_case
name = "q1"

@test_case(points=0, hidden=False)
def test_answers_are_possible(n):
    assert n > 0

@test_case(points=1, hidden=True,
    failure_message="{HINT}")
def test_secretly_counts(n):
    helper = 1
    assert n == 41 + helper

@test_case(points=1, hidden=True, failure_message="Mind the <stride>.")
def test_passed_in_secret(n):
    assert n != 77
'''
HOSTILE = "[red]x[/red] <script>alert(1)</script>\u202e\x1b[2Jgone\x1b]0;title\x07\ud800"


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "q1.py").write_text(QUESTION)
    return read_sources(tmp_path)


def record(verdict=Verdict.GRADED, message="", cells=(), public=True, hidden=False, public_message=""):
    cases = (
        CaseOutcome("answers are possible", False, public, 0.0, "" if public else public_message),
        CaseOutcome("hidden test 2", True, hidden, 1.0, "" if hidden else HINT),
        CaseOutcome("hidden test 3", True, True, 1.0),
    )
    questions = (QuestionOutcome("q1", 1.0 + hidden, 2.0, cases),) if verdict.is_scored else ()
    outcome = Outcome(
        "somebody else's copy", "01_x", verdict, 1.0 + hidden, 2.0, 3.0, message, questions, tuple(cells)
    )
    return Record(Key("01_x", SUBMISSION, TESTS, GRADER), outcome, {})


def explanation(graded=None, *, tests=TESTS, grader=GRADER, name="ada", **wishes):
    attempts = [
        AttemptLine("ada/first", "first.ipynb", None, Verdict.MALFORMED, None, 2.0),
        AttemptLine(name, "second.ipynb", NOW, Verdict.GRADED, 1.0, 2.0, explained=True),
    ]
    return explain(
        graded or record(),
        attempts,
        title="Images",
        student=name,
        graded_at=NOW,
        today=Today(tests, grader),
        **wishes,
    )


def as_text(explained, width=100):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    print_explanation(console, explained)
    return console.file.getvalue()


def both(explained):
    return [as_text(explained, width=300), render_explanation(explained, NOW)]


def test_the_evidence_is_complete(sources):
    cells = [CellOutcome(3, "n = 1 / 0", "error", error="ZeroDivisionError: division by zero")]
    explained = explanation(record(cells=cells), sources=sources, policy=["handed in late: 10 % less"])
    for text in both(explained):
        for said in (SUBMISSION, TESTS, GRADER, "second.ipynb", "1 of 2 points. Lost: 1 in q1."):
            assert said in text
        assert "assert n == 41 + helper" in text and HINT in text and "ada/first" in text
        assert "n = 1 / 0" in text and "ZeroDivisionError" in text
        assert "handed in late: 10 % less" in text
        assert "2026-03-01 12:00 UTC" in text


def test_the_page_has_the_source_and_hint_of_a_passed_hidden_case_for_the_instructor(sources):
    text, page = both(explanation(sources=sources))
    assert "assert n != 77" in page and "Mind the &lt;stride&gt;." in page
    assert "assert n != 77" not in text, "a terminal shows the source of what failed"
    for shown in (text, page):
        assert "assert n &gt; 0" not in shown and "assert n > 0" not in shown, "public cases are not secret"


def test_the_instructor_alone_is_told_what_happened_and_that_it_was_practice():
    plain = record(Verdict.CRASHED)
    (question,) = plain.outcome.questions
    cases = tuple(replace(case, detail="line 9: Crashed" if case.hidden else "") for case in question.cases)
    outcome = replace(
        plain.outcome,
        detail="While a test used f(): exit status 51.",
        practice=True,
        questions=(replace(question, cases=cases),),
    )
    graded = replace(plain, outcome=outcome)
    for text in both(explanation(graded)):
        assert "exit status 51" in text and text.count("line 9: Crashed") == 1, "of the case that failed"
        assert "for practice" in text
    for text in both(explanation(graded, for_student=True)):
        assert "51" not in text and "line 9" not in text and "practice" not in text


def test_a_student_sees_nothing_that_is_hidden(sources):
    explained = explanation(sources=sources, for_student=True)
    assert not [case for question in explained.questions for case in question.cases if case.source]
    for text in both(explained):
        text = text.split("</style>")[-1]
        for hidden in ("41", "helper", "77", "secretly", "passed_in_secret", "stride", TESTS, TESTS[:12]):
            assert hidden not in text
        assert SUBMISSION in text and HINT in text and "hidden test 2" in text
        assert "source" not in text


def test_tests_that_have_changed_since_are_not_shown_as_if_they_had_graded(sources):
    for text in both(explanation(tests="8" * 64, sources=sources)):
        assert "41 + helper" not in text
        assert "have changed since this was graded" in text.replace("\n", " ")
        assert "Not certain: the tests" in text


def test_tests_that_do_not_fit_the_record_are_not_shown_beside_it(tmp_path):
    (tmp_path / "q1.py").write_text(QUESTION.replace("hidden=False", "hidden=True"))
    assert "41 + helper" not in as_text(explanation(sources=read_sources(tmp_path)))


@pytest.mark.parametrize(
    ("tests", "grader", "said"),
    [
        (TESTS, GRADER, "Yes: the same bytes, the same tests and the same grader"),
        ("8" * 64, GRADER, "Not certain: the tests, or the secret"),
        (TESTS, "8" * 64, "Not certain: the grader (its code, limits or libraries) changed"),
        ("8" * 64, "8" * 64, "drawn from, and the grader"),
        (None, GRADER, "Not known"),
    ],
)
def test_it_says_whether_today_would_be_the_same(tests, grader, said):
    assert said in explanation(tests=tests, grader=grader).today


def test_what_the_grader_failed_at_is_never_called_the_same_today():
    explained = explanation(record(Verdict.GRADER_ERROR, "no cgroup"))
    assert "should be graded again" in explained.today
    assert "costs the student nothing" in as_text(explained) and "no cgroup" in as_text(explained)


def test_limits_that_were_reached_are_named():
    cells = [CellOutcome(2, "while True: pass", "time-limit"), CellOutcome(4, "x", "ok")]
    stopped = record(
        Verdict.TIME_LIMIT,
        cells=cells,
        public=False,
        public_message="Your code was stopped: it ran for 5 s\nmore",
    )
    explained = explanation(stopped)
    assert explained.limits == (
        "cell 2 was stopped: it ran too long",
        "q1, answers are possible: Your code was stopped: it ran for 5 s",
    )
    assert explanation(record(Verdict.CRASHED, "the process died")).limits == ("the process died",)
    assert explanation().limits == ()


def test_what_a_stranger_wrote_neither_styles_the_terminal_nor_acts_on_the_page():
    cells = [CellOutcome(1, HOSTILE, "error", HOSTILE, HOSTILE), CellOutcome(2, "x", HOSTILE)]
    graded = record(message=HOSTILE, cells=cells, public=False, public_message=HOSTILE)
    explained = explanation(graded, name=HOSTILE, policy=[HOSTILE])
    text, page = as_text(explained), render_explanation(explained, NOW)
    for shown in (text, page):
        shown.encode("utf-8")
        assert "\u202e" not in shown
    assert "\x1b]" not in text and "\x1b[2J" not in text and "\x07" not in text
    assert "[red]x[/red]" in text, "what looks like markup is shown as it is"
    assert "<script" not in page and "&lt;script&gt;" in page and "\x1b" not in page


def test_the_name_on_a_shared_record_is_not_told():
    """Equal bytes share a record, which names whoever handed them in first."""
    for text in both(explanation()):
        assert "somebody else" not in text


def test_earlier_gradings_of_the_same_file_are_told():
    lines = [
        GradingLine(NOW, Verdict.GRADED, 2.0, 2.0, "e" * 64, GRADER),
        GradingLine(NOW, Verdict.GRADED, 1.0, 2.0, TESTS, GRADER),
    ]
    for text in both(explanation(gradings=lines)):
        assert "e" * 12 in text and "All gradings of this file" in text
    for text in both(explanation(gradings=lines, for_student=True)):
        assert "e" * 12 not in text and "All gradings of this file" in text


def test_reading_the_tests_runs_nothing(tmp_path):
    (tmp_path / "q1.py").write_text(QUESTION + "\nraise SystemExit('ran')\n")
    cases = read_sources(tmp_path)["q1"]
    assert [case.hidden for case in cases] == [False, True, True]
    assert cases[1].hint == HINT
    assert cases[1].source.startswith("@test_case(points=1") and cases[1].source.endswith("41 + helper")
