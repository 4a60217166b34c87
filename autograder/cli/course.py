"""What concerns the course itself: build, doctor, verify."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder import tables
from autograder.cli import options
from autograder.cli.shared import (
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

if TYPE_CHECKING:
    from autograder.verify import Finding


@app.command()
def build(slugs: options.Slugs = None, course: options.CourseFolder = ROOT) -> None:
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
    slugs: options.Slugs = None,
    workers: options.Workers = 1,
    unsafe: options.Unsafe = False,
    secret_seed: options.Secret = None,
    course: options.CourseFolder = ROOT,
    sample: Annotated[
        bool, typer.Option("--sample", help="Try fewer secrets, and one example of some kinds.")
    ] = False,
    findings_file: Annotated[Path | None, typer.Option("--findings", hidden=True)] = None,
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

        def tell(text: str) -> None:
            bar.update(task, description=tables.escape(text))

        if workers > 1 and len(exercises) > 1:
            options = ["--course", str(course), *["--unsafe"] * unsafe, *["--sample"] * sample]
            options += [] if secret_seed is None else ["--secret-seed", str(secret_seed)]
            findings += _in_processes([exercise.slug for exercise in exercises], options, workers, tell)
        else:
            for exercise in exercises:
                findings += verify_exercise(
                    exercise,
                    loaded,
                    secret=secret,
                    workers=workers,
                    unsafe=unsafe,
                    sample=sample,
                    progress=tell,
                )
    if findings_file is not None:
        findings_file.write_text(json.dumps([asdict(finding) for finding in findings]), encoding="utf-8")
    tables.print_findings(console, findings)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


def _in_processes(
    slugs: Sequence[str], options: list[str], workers: int, tell: Callable[[str], None]
) -> "list[Finding]":
    """The findings of `verify SLUG` for each exercise, several at once.

    In processes, not threads: a test case is timed by a signal, which reaches the main thread alone.
    """
    from autograder.verify import Finding

    def one(slug: str) -> list[Finding]:
        tell(slug)
        with tempfile.TemporaryDirectory(prefix="convcourse-findings-") as folder:
            path = Path(folder) / "findings.json"
            command = [
                sys.executable,
                "-m",
                "autograder.cli",
                "verify",
                slug,
                *options,
                "--findings",
                str(path),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if not path.is_file():
                return [Finding(slug, "verify ends", False, done.stderr.strip()[-2000:])]
            return [Finding(**item) for item in json.loads(path.read_text(encoding="utf-8"))]

    with ThreadPoolExecutor(workers) as pool:
        return [finding for findings in pool.map(one, slugs) for finding in findings]
