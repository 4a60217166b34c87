"""The report on a class: what it counts, what it groups, and that nothing in it can act."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from autograder.record import Key, Record, RecordError
from autograder.report import Entry, feedback_links, render_class, shown_names, summarize
from autograder.report.class_page import bars
from autograder.verdict import CaseOutcome, CellOutcome, Outcome, QuestionOutcome, Verdict

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TESTS, GRADER = "a" * 64, "b" * 64
HOSTILE = "<script>alert(1)</script>\u202egnp.exe\x1b[31m\x07<img src=x onerror=alert(1)>\ud800\u2066&\"'"


def question(name, *cases):
    cases = tuple(cases)
    score = sum(case.points for case in cases if case.passed)
    return QuestionOutcome(name, score, sum(case.points for case in cases), cases)


def case(passed, points=1.0, message="", name="answers are possible", hidden=False):
    return CaseOutcome(name, hidden, passed, points, "" if passed else message)


def entry(name, questions=(), verdict=Verdict.GRADED, message="", cells=(), seconds=1.0, tests=TESTS):
    outcome = Outcome(
        submission=name,
        exercise="01_x",
        verdict=verdict,
        score=sum(one.score for one in questions),
        max_score=4.0,
        seconds=seconds,
        message=message,
        questions=tuple(questions),
        cells=tuple(cells),
    )
    record = Record(Key("01_x", "0" * 64, tests, GRADER), outcome, {})
    return Entry(name, name, NOW, NOW, lambda: record)


def page(entries, **wishes):
    return render_class(summarize(entries), "Images", NOW, **wishes)


class Elements(HTMLParser):
    """What a browser would find on a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_a_class_is_counted_exactly():
    entries = [
        entry("ada", [question("q1", case(True, 2), case(True, 2))]),
        entry("ben", [question("q1", case(True, 2), case(False, 2))]),
        entry("cyn", [question("q1", case(False, 2), case(False, 2))]),
    ]
    summary = summarize(entries)
    assert summary.scores == (0.0, 2.0, 4.0)
    (row,) = summary.questions
    assert (row.full, row.none, row.mean) == (1, 1, 2.0)
    assert [(one.passed, one.total) for one in row.cases.values()] == [(2, 3), (1, 3)]
    text = Elements(render_class(summary, "Images", NOW)).text
    assert "33 %" in text and "67 %" in text


def test_what_could_not_be_scored_has_a_verdict_but_no_score():
    entries = [
        entry("ada", [question("q1", case(True))]),
        entry("ben", verdict=Verdict.MALFORMED, message="the zip is damaged"),
        entry("cyn", verdict=Verdict.GRADER_ERROR, message="no cgroup"),
    ]
    summary = summarize(entries)
    assert summary.scores == (1.0,) and summary.submissions == 3
    assert dict(summary.verdicts) == {Verdict.GRADED: 1, Verdict.MALFORMED: 1, Verdict.GRADER_ERROR: 1}
    assert [look.name for look in summary.looks] == ["cyn", "ben"]
    assert "no cgroup" in page(entries) and "the zip is damaged" in page(entries)


@pytest.mark.parametrize("max_score", [1, 3, 20, 100, 7.5])
def test_every_score_stands_in_exactly_one_bar(max_score):
    scores = [max_score * number / 1000 for number in range(1001)]
    shown = bars(scores, max_score)
    assert sum(bar.count for bar in shown) == 1001
    assert shown[-1].count == 1, "the last bar holds full marks alone"
    assert all(one.x + one.width <= two.x for one, two in pairwise(shown))
    assert shown[-1].x + shown[-1].width <= 100


def test_the_histogram_says_its_counts():
    entries = [entry(f"s{n}", [question("q1", *[case(True)] * (n % 5))]) for n in range(23)]
    text = page(entries)
    counts = [int(number) for number in re.findall(r'<text x="[^"]*" y="[^"]*">(\d+)</text>', text)]
    assert sum(counts) == 23 and counts[-1] == 4 and counts[0] == 5


def test_failures_that_differ_in_numbers_alone_are_one_group():
    messages = ["expected (3, 4), got (4, 3)", "expected (30, 4), got (1.5, -3)", "it has no length"]
    entries = [entry(f"s{n}", [question("q1", case(False, message=m))]) for n, m in enumerate(messages)]
    first, second = summarize(entries).wrong
    assert (first.message, first.students, first.names) == ("expected (#, #), got (#, #)", 2, ("s0", "s1"))
    assert (second.message, second.students) == ("it has no length", 1)


def test_the_hint_of_a_hidden_case_keeps_its_numbers_and_cases_stay_apart():
    hint = "With 3 layers count 2 borders."
    cases = [case(False, message=hint, name=f"hidden test {n}", hidden=True) for n in (2, 3)]
    wrong = summarize([entry("ada", [question("q1", *cases)])]).wrong
    assert [(one.case, one.message) for one in wrong] == [("hidden test 2", hint), ("hidden test 3", hint)]


def test_a_student_counts_once_in_a_group():
    twice = [case(False, message="no"), case(False, message="no")]
    (wrong,) = summarize([entry("ada", [question("q1", *twice)])]).wrong
    assert (wrong.students, wrong.names) == (1, ("ada",))


def test_questions_stand_in_the_order_of_their_numbers():
    names = ["q10", "q2", "q1"]
    summary = summarize([entry("ada", [question(name, case(True)) for name in names])])
    assert [row.name for row in summary.questions] == ["q1", "q2", "q10"]


def test_the_slowest_come_first_and_similar_ones_need_a_look():
    cells = [CellOutcome(1, "import torch", "ok", seconds=2.5), CellOutcome(2, "train()", "ok", seconds=30.0)]
    entries = [entry("ada", seconds=3, cells=cells), entry("ben", seconds=60)]
    summary = summarize(entries, {"ada": 0.9})
    assert [slow.name for slow in summary.slow] == ["ben", "ada"]
    assert summary.slow_cells[0].what == "cell 2: train()"
    assert [(look.name, "90 %" in look.why) for look in summary.looks] == [("ada", True)]


def test_other_tests_or_graders_are_said():
    text = page([entry("ada"), entry("ben", tests="c" * 64)])
    assert "a" * 64 in text and "c" * 64 in text and GRADER in text
    assert "may not compare" in text
    assert "may not compare" not in page([entry("ada"), entry("ben")])
    assert "2026-03-01 12:00 UTC" in text


def test_one_damaged_record_does_not_cost_the_report():
    def load():
        raise RecordError("no grading can be read from these 3 bytes")

    entries = [entry("ada", [question("q1", case(True))]), Entry("ben", "ben", NOW, NOW, load)]
    summary = summarize(entries)
    assert summary.scores == (1.0,)
    assert [(look.name, look.why) for look in summary.looks] == [
        ("ben", "no grading can be read from these 3 bytes")
    ]


def test_nothing_that_a_stranger_wrote_can_act_on_the_page():
    cells = [CellOutcome(1, HOSTILE, "error", HOSTILE, HOSTILE, seconds=1.0)]
    questions = [question("q1", case(False, message=HOSTILE), case(False, message=HOSTILE, name=HOSTILE))]
    entries = [
        entry(HOSTILE, questions, cells=cells),
        entry(HOSTILE + "2", verdict=Verdict.CRASHED, message=HOSTILE),
    ]
    text = page(entries, links={HOSTILE: "x.html"}, waiting=[HOSTILE])
    text.encode("utf-8")
    found = Elements(text)
    assert not {"script", "img", "iframe", "object", "link", "form", "input"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name == "style"]
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text
    )
    assert found.text.count("<script>alert(1)</script>") > 5, "and yet it is shown"


def test_the_page_asks_nothing_of_anywhere():
    text = page([entry("ada", [question("q1", case(True))])], links={"ada": "ada/feedback.html"})
    addresses = [value for name, value in Elements(text).attributes if name in ("src", "href", "action")]
    assert addresses and set(addresses) == {"ada/feedback.html"}
    assert "url(" not in text and "@import" not in text
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    fingerprint = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{fingerprint}'" in text


def test_the_same_class_gives_the_same_page():
    entries = [entry(f"s{n}", [question("q1", case(n % 2 == 0, message=f"got {n}"))]) for n in range(9)]
    assert page(entries) == page(entries)


def test_links_lead_to_feedback_that_is_there_and_nowhere_else(tmp_path):
    feedback, out = tmp_path / "graded", tmp_path / "pages" / "week 1"
    for name in ("ada", "#1 a?b:c"):
        (feedback / name).mkdir(parents=True)
        (feedback / name / "feedback.html").write_text("x")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "feedback.html").write_text("x")
    names = {"ada", "#1 a?b:c", "absent", "../outside", "\ud800", "a" * 5000, "a\0b"}
    assert feedback_links(names, feedback, out) == {
        "ada": "../../graded/ada/feedback.html",
        "#1 a?b:c": "../../graded/%231%20a%3Fb%3Ac/feedback.html",
    }


def test_every_name_on_the_page_may_have_a_link():
    summary = summarize([entry("ada", [question("q1", case(False, message="no"))]), entry("ben")])
    assert shown_names(summary) == {"ada", "ben"}


def test_an_empty_class_is_a_page_too():
    assert "No submission has been scored yet" in page([entry("ada", verdict=Verdict.MALFORMED)])
    assert "No submission has been scored yet" in page([])
