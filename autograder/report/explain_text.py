"""An explanation as text in a terminal. Whatever comes from a student is cleaned and never styled."""

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from autograder.pages import shown_time
from autograder.report.explain import CELL_WORDS, AttemptLine, ExplainedCase, Explanation, remarks, why
from autograder.text import excerpt, one_line, points


def print_explanation(console: Console, explanation: Explanation) -> None:
    """Print the whole of it."""
    console.print(Group(*_parts(explanation)), highlight=False, markup=False, soft_wrap=False)


def _parts(explanation: Explanation) -> list[Text | Table | Padding]:
    outcome = explanation.outcome
    parts: list[Text | Table | Padding] = [
        _title(f"{one_line(explanation.student)}: {one_line(explanation.title)}"),
        Text(f"{outcome.verdict}. {why(explanation)}"),
    ]
    if outcome.message:
        parts.append(_inset(outcome.message))
    parts += [_inset(text, style="dim") for text in remarks(explanation)]
    parts += [_heading("What was graded"), _facts(explanation)]
    if explanation.limits:
        parts += [_heading("Limits that were reached"), *(_inset(line) for line in explanation.limits)]
    for question in explanation.questions:
        score = f"{points(question.outcome.score)} of {points(question.outcome.max_score)} points"
        parts.append(_heading(f"{one_line(question.outcome.name)}: {score}"))
        for case in question.cases:
            parts += _case(case, show_source=not explanation.for_student)
    if explanation.sources_note:
        parts += [Text(), Text(explanation.sources_note, style="yellow")]
    for cell in explanation.cells:
        parts.append(_heading(f"Cell {cell.index} {CELL_WORDS.get(cell.status, one_line(cell.status))}"))
        parts += [_inset(cell.source), _inset(cell.error, style="red")]
    if explanation.policy:
        parts += [
            _heading("What the course's rules make of it"),
            *(_inset(line) for line in explanation.policy),
        ]
    parts += [_heading("Would it be graded the same today?"), Text(explanation.today)]
    if len(explanation.gradings) > 1:
        parts += [_heading("All gradings of this file, oldest first"), _gradings(explanation)]
    if len(explanation.attempts) > 1:
        parts += [_heading("All hand-ins of this student"), _attempts(explanation.attempts)]
    return parts


def _facts(explanation: Explanation) -> Table:
    attempt, key = explanation.attempt, explanation.key
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [
        ("submission", one_line(attempt.name)),
        ("file", one_line(attempt.filename)),
        ("handed in", shown_time(attempt.handed_in)),
        ("graded", shown_time(explanation.graded_at)),
        ("SHA-256 of the file", key.submission),
    ]
    # The hash of the tests covers the secret too: who is a student has no use for it but to test a guess.
    if not explanation.for_student:
        rows += [("hash of the tests", key.tests), ("hash of the grader", key.grader)]
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def _case(case: ExplainedCase, show_source: bool) -> list[Text | Padding | Table]:
    outcome, source = case.outcome, case.source
    mark = Text("✓ passed  " if outcome.passed else "✗ failed  ", style="green" if outcome.passed else "red")
    worth = f"  ({points(outcome.points)} p.)" if outcome.points else ""
    parts: list[Text | Padding | Table] = [mark + Text(f"{one_line(outcome.name)}{worth}", style="default")]
    if outcome.message and not outcome.passed:
        parts.append(_inset(outcome.message))
    if outcome.detail and not outcome.passed:
        parts.append(_inset(outcome.detail, style="dim"))
    # Of the cases that passed, the page has the source; here it would bury those that did not.
    if source and show_source and outcome.hidden and not outcome.passed:
        if source.hint and source.hint not in outcome.message:
            parts.append(_inset(f"hint: {source.hint}"))
        parts.append(_inset(source.source, style="dim"))
    return parts


def _attempts(attempts: tuple[AttemptLine, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "submission", "handed in", "verdict", "score"):
        table.add_column(name, overflow="fold")
    for attempt in attempts:
        score = "" if attempt.score is None else f"{points(attempt.score)}/{points(attempt.max_score)}"
        table.add_row(
            Text("→" if attempt.explained else ""),
            Text(one_line(attempt.name)),
            Text(shown_time(attempt.handed_in)),
            Text(str(attempt.verdict or "not graded yet")),
            Text(score),
        )
    return table


def _gradings(explanation: Explanation) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = ("graded", "verdict", "score") + (() if explanation.for_student else ("tests", "grader"))
    for name in names:
        table.add_column(name, overflow="fold")
    for one in explanation.gradings:
        score = f"{points(one.score)}/{points(one.max_score)}" if one.verdict.is_scored else ""
        row = (shown_time(one.graded_at), str(one.verdict), score, one.tests[:12], one.grader[:12])
        table.add_row(*(Text(text) for text in row[: len(names)]))
    return table


def _title(text: str) -> Text:
    return Text(text, style="bold")


def _heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _inset(text: str, style: str = "") -> Padding:
    return Padding(Text(excerpt(text), style=style), (0, 0, 0, 4))
