"""Whether the tests of an exercise pay for answers, and for answers only, whatever they draw.

Every full submission earns everything under many secrets, every planted mistake loses points under several.
Answers that know nothing (see `pipeline/cheap.py`) earn a quarter of a question at most: from public tests,
which anybody can read, and from hidden ones whose docstring says why they may be had cheaply.
"""

import ast
import re
from collections.abc import Collection, Iterator
from pathlib import Path

from autograder.authoring.examples import Example
from autograder.course import CourseExercise
from autograder.pipeline.cheap import habits
from autograder.pipeline.rehearsal import Rehearsal
from autograder.verdict import QuestionOutcome
from autograder.verify.findings import Finding
from autograder.verify.rules import lost_questions

CHEAP_SHARE = 0.25
CHEAP = re.compile(r"\s*Cheap: \S")
DRAWS = re.compile(r"\b(secret_rng|telling)\b")
"""What a test file mentions where its inputs depend on the secret; else one secret shows as much as fifty."""


def full_marks(
    exercise: CourseExercise, name: str, rehearsal: Rehearsal, secrets: Collection[int]
) -> Finding:
    """A right solution earns everything, whatever is drawn."""
    first, *others = secrets
    unlucky: dict[str, list[int]] = {}
    for secret in (first, *others):
        asked = None if secret == first else drawing_questions(exercise)
        for question in rehearsal.ask(secret, asked).values():
            for case in question.cases:
                if not case.passed:
                    unlucky.setdefault(f"{question.name} '{case.name}'", []).append(secret)
    detail = "; ".join(f"{what} fails under the secrets {_some(which)}" for what, which in unlucky.items())
    measured = f"{len(secrets)} secrets, no draw unlucky"
    return Finding(exercise.slug, f"{name} earns everything", not unlucky, detail or measured)


def planted_mistake(
    exercise: CourseExercise, example: Example, rehearsal: Rehearsal, secrets: Collection[int]
) -> Finding:
    """A mistake costs points in its own questions under every secret, and nowhere else."""
    first, *others = secrets
    expected = lost_questions(example)
    drawing = drawing_questions(exercise)
    outcomes = rehearsal.ask(first)
    lost = {name for name, question in outcomes.items() if question.score < question.max_score}
    problem = ""
    if lost != expected:
        problem = f"expected points lost in {_list(expected)} alone, lost in {_list(lost)}"
    else:
        for secret in others:
            again = rehearsal.ask(secret, expected & drawing)
            if lucky := [name for name, question in again.items() if question.score == question.max_score]:
                problem = f"loses nothing in {_list(lucky)} under the secret {secret}"
                break
    return Finding(
        exercise.slug, f"example {example.title}", not problem, problem or f"{len(secrets)} secrets"
    )


def cheap_answers(exercise: CourseExercise, rehearsal: Rehearsal, secret: int) -> Iterator[Finding]:
    """Answers that know nothing earn next to nothing, in every question."""
    for name, right in rehearsal.ask(secret).items():
        yield _cheap(exercise, name, right, rehearsal, secret)


def _cheap(
    exercise: CourseExercise, name: str, right: QuestionOutcome, rehearsal: Rehearsal, secret: int
) -> Finding:
    reasons = cheap_cases(exercise.bundle / "tests" / f"{name}.py")
    earned: dict[int, list[str]] = {}
    for habit_name, habit in habits().items():
        cases = rehearsal.ask(secret, [name], habit)[name].cases
        for number, case in enumerate(cases):
            if case.passed and case.points:
                earned.setdefault(number, []).append(habit_name)
    points = sum(right.cases[number].points for number in earned)
    unmarked = [
        f"'{right.cases[number].name}' pays for {', '.join(names)}"
        for number, names in earned.items()
        if right.cases[number].hidden and not reasons[number]
    ]
    problems = list(unmarked)
    if points > CHEAP_SHARE * right.max_score:
        problems.append(f"more than a quarter of {right.max_score:g} points")
    detail = f"{points:g} of {right.max_score:g}" + (f": {'; '.join(problems)}" if problems else "")
    return Finding(exercise.slug, f"{name}: cheap answers earn next to nothing", not problems, detail)


def drawing_questions(exercise: CourseExercise) -> set[str]:
    """The questions whose hidden inputs depend on the secret."""
    files = (exercise.bundle / "tests").glob("*.py")
    return {path.stem for path in files if DRAWS.search(path.read_text(encoding="utf-8"))}


def cheap_cases(path: Path) -> list[str]:
    """For each test case of a file, in its order: why it may be passed cheaply, or an empty text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documents = [ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [text.strip() if CHEAP.match(text) else "" for text in documents]


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names, key=lambda name: int(name[1:]))) or "no question"


def _some(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
