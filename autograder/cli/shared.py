"""The instructor's command; each module of this folder holds a few of its subcommands.

Exit codes: 0 all is well (for `grade`: every submission got a verdict), 1 a check failed, 2 the command was
not understood or refused, 130 interrupted.
"""

from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from autograder import tables
from autograder.course import Course, CourseError, CourseExercise, load_course

app = typer.Typer(
    name="autograder",
    help="Builds the course's exercises and grades what students hand in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)


def load(root: Path) -> Course:
    """The course below `root`, or a refusal."""
    try:
        return load_course(root.resolve())
    except CourseError as error:
        refuse(str(error))


def select(course: Course, slugs: list[str] | None) -> list[CourseExercise]:
    """The named exercises, or all."""
    try:
        return [course.exercise(slug) for slug in slugs] if slugs else list(course.exercises)
    except CourseError as error:
        refuse(str(error))


def check_machine(unsafe: bool) -> None:
    """Refuse to run strangers' code where a limit cannot be enforced, unless told to."""
    from autograder import sandbox

    lacking = [check for check in sandbox.doctor() if not check.ok]
    sandbox.shut_down()  # who grades has a sandbox of its own; this one would only hold memory
    if not lacking:
        return
    for check in lacking:
        text = f"{check.name}: {check.how_to_fix}" + (f" ({check.detail})" if check.detail else "")
        errors.print(f"[red]✗[/] {tables.escape(text)}", highlight=False, soft_wrap=True)
    if not unsafe:
        refuse(
            "this machine cannot enforce every limit (see above); install what is missing, or pass --unsafe"
        )
    errors.print(
        "[yellow]--unsafe[/]: going on without these; grade only notebooks that you trust", highlight=False
    )


def secret_for(given: int | None) -> int:
    """The given secret, or the instructor's own."""
    from autograder.scoring import SecretError, instructor_secret

    try:
        return instructor_secret(given)
    except SecretError as error:
        refuse(str(error))


def warn_of_practice(secret: int, given: int | None) -> None:
    """Say once that a secret can be guessed, and what to do where it is the instructor's own."""
    from autograder.scoring import is_practice
    from autograder.scoring.secret import kept_at

    if not is_practice(secret):
        return
    text = "--secret-seed is for practice: the record says so, since a seed that is typed can be guessed"
    if given is None:
        text = (
            f"your secret in {kept_at()} is an old one of fewer than 120 bits, and records say so: delete"
            " that file, and the next 'autograder grade' or 'autograder regrade' makes a new one"
        )
    errors.print(f"[yellow]practice[/]: {tables.escape(text)}", highlight=False, soft_wrap=True)


def refuse(message: str) -> NoReturn:
    """Say why, and end with the exit code of a refusal."""
    errors.print(f"[red]autograder:[/] {tables.escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(2)


def progress() -> Progress:
    """A progress bar on stderr, gone when it is done."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )


def main() -> None:
    """The entry point `autograder`."""
    try:
        app()
    except KeyboardInterrupt:
        errors.print("[red]autograder:[/] interrupted")
        raise SystemExit(130) from None
