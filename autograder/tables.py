"""Tables in the terminal. Names and messages come from strangers: they are escaped and never styled."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from autograder.text import clean
from autograder.verdict import Outcome, Verdict

STYLES = {Verdict.GRADED: "green", Verdict.GRADER_ERROR: "bold magenta", Verdict.MALFORMED: "red"}


def escape(text: str) -> str:
    """Text that can neither style the terminal nor move its cursor."""
    return escape_markup(clean(text))


def print_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """One line per submission, then how many got which verdict."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("submission", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("message", overflow="fold")
    for outcome in outcomes:
        style = STYLES.get(outcome.verdict, "yellow")
        score = "" if outcome.verdict is Verdict.GRADER_ERROR else f"{outcome.score:g}/{outcome.max_score:g}"
        table.add_row(
            escape(outcome.submission),
            f"[{style}]{outcome.verdict}[/]",
            score,
            f"{outcome.seconds:.1f}",
            escape(_told(outcome)),
        )
    console.print(table)
    counts = Counter(str(outcome.verdict) for outcome in outcomes)
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), highlight=False)


def _told(outcome: Outcome) -> str:
    """One line; of our own failure what happened, since this terminal is the instructor's."""
    own = outcome.detail if outcome.verdict is Verdict.GRADER_ERROR else ""
    return (own or outcome.message).split("\n")[0][:160]


def print_checks(console: Console, checks: Iterable[Any]) -> None:
    """What `doctor` found: objects with `name`, `ok`, `how_to_fix` and `detail`."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for check in checks:
        text = check.detail if check.ok else f"{check.detail}\n{check.how_to_fix}".strip()
        table.add_row("[green]✓[/]" if check.ok else "[red]✗[/]", escape(check.name), escape(text))
    console.print(table)


def print_findings(console: Console, findings: Sequence[Any]) -> None:
    """What `verify` found: objects with `subject`, `check`, `ok` and `detail`."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "exercise", "check", "detail"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        table.add_row(mark, escape(finding.subject), escape(finding.check), escape(finding.detail))
    console.print(table)
    failed = sum(not finding.ok for finding in findings)
    verdict = (
        f"[red]{failed} of {len(findings)} checks failed[/]"
        if failed
        else f"[green]all {len(findings)} checks hold[/]"
    )
    console.print(verdict, highlight=False)
