"""What the folder of an example submission promises about its grade."""

import re

from autograder.authoring.examples import Example
from autograder.verdict import Outcome, Verdict

QUESTIONS = re.compile(r"(?:q\d+_)+")


def broken_rule(example: Example, outcome: Outcome, points: dict[str, float]) -> str:
    """What is wrong with the grade of `example`, or an empty text. `points` gives each question's."""
    return RULES[example.folder](example, outcome, points)


def _full(example: Example, outcome: Outcome, points: dict[str, float]) -> str:
    if outcome.verdict is not Verdict.GRADED or outcome.score != outcome.max_score:
        return f"expected full marks, got {_got(outcome)}"
    return ""


def _partial(example: Example, outcome: Outcome, points: dict[str, float]) -> str:
    if outcome.verdict is not Verdict.GRADED or not 0 < outcome.score < outcome.max_score:
        return f"expected some but not all points, got {_got(outcome)}"
    return ""


def lost_questions(example: Example) -> set[str]:
    """The questions that a planted mistake must cost points in, by its name; none where the name says none.

    >>> sorted(lost_questions(Example("wrong", "q3_q4_kernel_flipped")))
    ['q3', 'q4']
    """
    match = QUESTIONS.match(f"{example.name}_")
    return set(match.group().strip("_").split("_")) if match else set()


def _wrong(example: Example, outcome: Outcome, points: dict[str, float]) -> str:
    expected = lost_questions(example)
    if not expected:
        return "the name must begin with the questions that lose points, such as q3_ or q3_q4_"
    lost = {question.name for question in outcome.questions if question.score < question.max_score}
    if outcome.verdict is not Verdict.GRADED or lost != expected:
        return f"expected points lost in {_names(expected)} alone, got {_got(outcome)}"
    return ""


def _crash(example: Example, outcome: Outcome, points: dict[str, float]) -> str:
    return _stopped(outcome, Verdict.CRASHED)


def _timeout(example: Example, outcome: Outcome, points: dict[str, float]) -> str:
    return _stopped(outcome, Verdict.TIME_LIMIT)


def _stopped(outcome: Outcome, verdict: Verdict) -> str:
    if outcome.verdict is not verdict:
        return f"expected {verdict}, got {_got(outcome)}"
    if not 0 < outcome.score < outcome.max_score:
        return f"expected the other questions to be scored, got {_got(outcome)}"
    return ""


def _hostile(example: Example, outcome: Outcome, points: dict[str, float]) -> str:
    touched = {*example.blank, *example.answers}
    honest = sum(value for name, value in points.items() if name not in touched)
    if not outcome.verdict.is_scored:
        return f"expected a verdict on the student's work, got {_got(outcome)}"
    if outcome.score > honest:
        return f"expected at most the {honest:g} points that are honest in it, got {_got(outcome)}"
    return ""


def _got(outcome: Outcome) -> str:
    lost = [question.name for question in outcome.questions if question.score < question.max_score]
    text = f"{outcome.verdict} with {outcome.score:g}/{outcome.max_score:g}"
    text += f", points lost in {_names(lost)}" if lost else ""
    return f"{text} ({outcome.message})" if outcome.message else text


def _names(names: set[str] | list[str]) -> str:
    return ", ".join(sorted(names, key=lambda name: int(name[1:]))) or "no question"


RULES = {
    "full": _full,
    "partial": _partial,
    "wrong": _wrong,
    "crash": _crash,
    "timeout": _timeout,
    "hostile": _hostile,
}
