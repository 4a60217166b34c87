"""feedback.html shows a student's own words and pictures, and lets none of them do anything."""

import base64
import hashlib
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from autograder.feedback import render_feedback
from autograder.feedback.page import image_source
from autograder.verdict import CaseOutcome, CellOutcome, NetworkOutcome, Outcome, QuestionOutcome, Verdict

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def page(**changes):
    cases = (
        CaseOutcome("floors the size", False, True, 1.0),
        CaseOutcome("hidden test 2", True, False, 2.0, "Try an image higher than wide."),
    )
    cells = (
        CellOutcome(2, "n = 1", "ok", "said by q1"),
        CellOutcome(3, 'grader.check("q1")', "ok", "printed by a check"),
        CellOutcome(5, "boom()", "error", "", "NameError: boom"),
    )
    given = {
        "submission": "ada",
        "exercise": "00_tiny",
        "verdict": Verdict.GRADED,
        "score": 1.0,
        "max_score": 3.0,
        "seconds": 2.0,
        "questions": (QuestionOutcome("q1", 1.0, 3.0, cases),),
        "cells": cells,
    }
    return render_feedback(Outcome(**{**given, **changes}), "A tiny exercise")


class Reader(HTMLParser):
    """Collects tags and checks that every one opened is closed."""

    void = ("meta", "img", "br", "rect")

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.void:
            assert self.open.pop() == tag


def read(text):
    reader = Reader()
    reader.feed(text)
    assert not reader.open
    return reader


def test_says_score_names_of_tests_and_hints():
    text = page()
    assert "<strong>1</strong> of 3 points" in text
    assert "Floors the size" in text and "Hidden test 2" in text and "Try an image higher than wide." in text
    assert "said by q1" in text and "NameError: boom" in text
    assert "printed by a check" not in text


def test_nothing_a_student_writes_becomes_markup():
    cells = (CellOutcome(1, EVIL, "error", EVIL, EVIL), CellOutcome(2, 'grader.check("q1")', "ok"))
    questions = (QuestionOutcome("q1", 0.0, 1.0, (CaseOutcome(EVIL, False, False, 1.0, EVIL),)),)
    reader = read(page(submission=EVIL, message=EVIL, cells=cells, questions=questions))
    assert "script" not in reader.tags and "img" not in reader.tags
    assert not [name for name in reader.attributes if name.startswith("on") or name == "style"]


def test_the_policy_allows_the_one_style_sheet_and_inline_images_alone():
    text = page()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.replace("&#39;", "'").startswith(
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
    )
    assert "http" not in text.replace("http-equiv", "")


def test_figures_are_shown_and_described_but_only_real_pngs():
    cells = (CellOutcome(4, "plot()", "ok", images=(PNG, b"<svg onload=alert(1)>")),)
    text = page(cells=cells)
    assert text.count("<img ") == 1
    assert 'alt="Figure 1 drawn by your cell 4"' in text
    assert image_source(PNG + b"\0" * 3 * 2**20) is None


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_page(verdict):
    text = page(verdict=verdict, message="the zip is empty", questions=(), cells=())
    read(text)
    assert ("of 3 points" in text) == verdict.is_scored
    assert "The zip is empty" in text


def test_a_wide_bar_of_points_stays_inside():
    assert 'class="bar-front" width="33.33"' in page()


@pytest.mark.parametrize(
    "source", ["\n" * 500_000, "grader.check(" * 40_000, " " * 500_000 + "\n" + "\t" * 500_000]
)
def test_hostile_source_is_laid_out_quickly(source):
    begun = time.monotonic()
    page(cells=(CellOutcome(1, source, "ok", "said"),))
    assert time.monotonic() - begun < 2


def test_a_public_tests_message_is_cleaned_of_what_a_student_put_into_it():
    questions = (
        QuestionOutcome("q1", 0.0, 1.0, (CaseOutcome("x", False, False, 1.0, "got \x1b[31m\u202ered"),)),
    )
    assert "got �red" in page(questions=questions)


def shown(questions, cells=(), verdict=Verdict.GRADED):
    outcome = Outcome("Ada", "04_x", verdict, 0.0, 4.0, 0.1, "", tuple(questions), tuple(cells))
    return render_feedback(outcome, "Stride")


FAILED = QuestionOutcome("q2", 0.0, 2.0, (CaseOutcome("hidden test 1", True, False, 2.0, "Round down."),))


def test_the_page_says_in_one_line_where_to_start():
    titled = replace(FAILED, title="the size of one axis")
    assert "Start with question 2: the size of one axis." in shown([titled])
    broken = CellOutcome(5, "1 / 0\n", "error", error="ZeroDivisionError: division by zero")
    check = CellOutcome(6, 'grader.check("q2")', "ok")
    page = shown([titled], [broken, check])
    assert "Start with cell 5: it was stopped" in page
    assert page.index("ZeroDivisionError") < page.index("Round down."), "the cell's own error comes first"
    assert "Start with" not in shown([replace(FAILED, score=2.0, cases=())])


def test_a_question_without_an_answer_is_told_once_and_has_no_hint():
    page = shown([replace(FAILED, missing=("size",), cases=(replace(FAILED.cases[0], message=""),))])
    assert page.count("Not answered:") == 1 and "<code>size</code> is not defined" in page
    assert "Hint" not in page and "Start with question 2: it is not answered yet." in page


def test_paths_of_the_grader_lose_their_head():
    trace = 'File "/opt/grader/.venv/lib/python3.11/site-packages/torch/nn.py", line 3, in f'
    page = shown([], [CellOutcome(1, "f()", "error", error=trace)])
    assert "/opt/grader" not in page and "site-packages/torch/nn.py" in page


def test_what_was_measured_of_a_network_is_shown_also_when_all_is_well():
    network = NetworkOutcome(19_316, 0.996, 0.996, 0.9957, 0.9953, "16 epochs in 7.3 minutes")
    full = QuestionOutcome("q7", 5.0, 5.0, (CaseOutcome("hidden test 1", True, True, 5.0),))
    outcome = Outcome("Ada", "10_x", Verdict.GRADED, 5.0, 5.0, 0.1, "", (full,), network=network)
    shown_page = render_feedback(outcome, "MNIST")
    for text in ("Every test passed", "19,316", "99.60%", "99.57%", "99.53%", "16 epochs in 7.3 minutes"):
        assert text in shown_page
    assert "as the grader measured it" not in shown([full])
    without = render_feedback(replace(outcome, network=replace(network, log="")), "MNIST")
    assert "none that belongs to this network" in without
