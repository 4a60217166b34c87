"""What concerns the course itself: build, doctor, verify."""

from typing import Annotated

import typer

from autograder import tables
from autograder.cli.shared import (
    CourseOption,
    SecretOption,
    SlugsArgument,
    UnsafeOption,
    WorkersOption,
    app,
    check_machine,
    console,
    errors,
    load,
    progress,
    secret_for,
    select,
)
from autograder.course import ROOT


@app.command()
def build(slugs: SlugsArgument = None, course: CourseOption = ROOT) -> None:
    """Make student notebooks, tests, bundles and example submissions from the masters."""
    from autograder.authoring import BuildError, build_exercise

    loaded = load(course)
    failed = False
    for exercise in select(loaded, slugs):
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

    loaded = load(course)
    exercises = select(loaded, slugs)
    check_machine(unsafe)
    secret = secret_for(secret_seed)
    findings = [] if slugs else check_structure(loaded, course)
    with progress() as bar:
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
