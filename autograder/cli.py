"""The instructor's command: build, grade, doctor, verify.

Exit codes: 0 all is well (for `grade`: every submission got a verdict), 1 a check failed, 2 the command was
not understood or refused, 130 interrupted.
"""

from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from autograder import tables
from autograder.course import ROOT, Course, CourseError, Exercise, load_course

app = typer.Typer(
    name="autograder",
    help="Builds the course's exercises and grades what students hand in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

CourseOption = Annotated[Path, typer.Option("--course", help="The folder of the course.", show_default=False)]
SlugsArgument = Annotated[list[str] | None, typer.Argument(help="Exercises; all of them if none is named.")]
SecretOption = Annotated[
    int | None,
    typer.Option(
        "--secret-seed", help="The secret that hidden tests draw from; by default your own, made once.", min=0
    ),
]
UnsafeOption = Annotated[
    bool, typer.Option("--unsafe", help="Grade even where this machine cannot enforce every limit.")
]
WorkersOption = Annotated[
    int, typer.Option("--workers", "-j", min=1, max=256, help="Submissions graded at once.")
]


@app.command()
def build(slugs: SlugsArgument = None, course: CourseOption = ROOT) -> None:
    """Make student notebooks, tests, bundles and example submissions from the masters."""
    from autograder.build import BuildError, build_exercise

    loaded = _load(course)
    failed = False
    for exercise in _select(loaded, slugs):
        try:
            rendered, changed = build_exercise(exercise, loaded)
        except BuildError as error:
            failed = True
            errors.print(f"[red]✗[/] {tables.escape(str(error))}", highlight=False)
            continue
        made = f"{len(rendered.questions)} questions, {len(rendered.examples)} examples"
        console.print(f"[green]✓[/] {exercise.slug}: {made}, {len(changed)} files changed", highlight=False)
    raise typer.Exit(1 if failed else 0)


@app.command()
def grade(
    slug: Annotated[str, typer.Argument(help="The exercise, for example 04_stride_and_padding.")],
    paths: Annotated[list[Path], typer.Argument(help="Notebooks, zips, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where grades.csv and the feedback go.")],
    workers: WorkersOption = 1,
    unsafe: UnsafeOption = False,
    secret_seed: SecretOption = None,
    course: CourseOption = ROOT,
) -> None:
    """Grade submissions, each in a sandbox of its own."""
    from autograder.submission import NothingFound, find_submissions

    (exercise,) = _select(_load(course), [slug])
    if not any((exercise.bundle / "tests").glob("*.py")):
        _refuse(f"the hidden tests of {slug} are not built; run 'autograder build {slug}' first")
    try:
        found, ignored = find_submissions(paths)
        out.mkdir(parents=True, exist_ok=True)
    except NothingFound as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{out} cannot be written: {error}")
    _check_machine(unsafe)
    secret = _secret(secret_seed)
    from autograder.pipeline import (
        grade_many,
    )  # takes seconds to import, so after everything that may be refused

    for path in ignored[:5]:
        errors.print(
            f"[yellow]passed over[/] {tables.escape(str(path))}: neither .ipynb nor .zip", highlight=False
        )
    if len(ignored) > 5:
        errors.print(f"[yellow]passed over[/] {len(ignored) - 5} more files", highlight=False)
    with _progress() as bar:
        task = bar.add_task(slug, total=len(found))
        outcomes = grade_many(
            found,
            exercise,
            out,
            secret=secret,
            workers=workers,
            unsafe=unsafe,
            done=lambda outcome: bar.advance(task),
        )
    tables.print_outcomes(console, outcomes)
    console.print(f"{out / 'grades.csv'}", highlight=False, soft_wrap=True)
    raise typer.Exit(0)


@app.command()
def doctor() -> None:
    """Say whether this machine can enforce every limit, and what to install where it cannot."""
    from autograder import sandbox

    checks = sandbox.doctor()
    tables.print_checks(console, checks)
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


@app.command()
def verify(
    slugs: SlugsArgument = None,
    workers: WorkersOption = 1,
    unsafe: UnsafeOption = False,
    secret_seed: SecretOption = None,
    course: CourseOption = ROOT,
    sample: Annotated[
        bool, typer.Option("--sample", help="Grade one example of each kind, not all.")
    ] = False,
) -> None:
    """Check the course itself: blanks fail, masters pass, examples get their verdicts, no leaks."""
    from autograder.verify import check_structure, verify_exercise

    loaded = _load(course)
    exercises = _select(loaded, slugs)
    _check_machine(unsafe)
    secret = _secret(secret_seed)
    findings = [] if slugs else check_structure(loaded, course)
    with _progress() as bar:
        task = bar.add_task("verify", total=None)
        for exercise in exercises:
            findings += verify_exercise(
                exercise,
                loaded,
                secret=secret,
                workers=workers,
                unsafe=unsafe,
                sample=sample,
                progress=lambda text: bar.update(task, description=tables.escape(text)),
            )
    tables.print_findings(console, findings)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _load(root: Path) -> Course:
    try:
        return load_course(root.resolve())
    except CourseError as error:
        _refuse(str(error))


def _select(course: Course, slugs: list[str] | None) -> list[Exercise]:
    try:
        return [course.exercise(slug) for slug in slugs] if slugs else list(course.exercises)
    except CourseError as error:
        _refuse(str(error))


def _check_machine(unsafe: bool) -> None:
    """Refuse to run strangers' code where a limit cannot be enforced, unless told to."""
    from autograder import sandbox

    lacking = [check for check in sandbox.doctor() if not check.ok]
    if not lacking:
        return
    for check in lacking:
        errors.print(
            f"[red]✗[/] {tables.escape(check.name)}: {tables.escape(check.how_to_fix)}", highlight=False
        )
    if not unsafe:
        _refuse(
            "this machine cannot enforce every limit (see above); install what is missing, or pass --unsafe"
        )
    errors.print(
        "[yellow]--unsafe[/]: going on without these; grade only notebooks that you trust", highlight=False
    )


def _secret(given: int | None) -> int:
    from autograder.scoring import SecretError, instructor_secret

    try:
        return instructor_secret(given)
    except SecretError as error:
        _refuse(str(error))


def _refuse(message: str) -> NoReturn:
    """Say why, and end with the exit code of a refusal."""
    errors.print(f"[red]autograder:[/] {tables.escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(2)


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
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


if __name__ == "__main__":
    main()
