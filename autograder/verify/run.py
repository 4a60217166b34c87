"""Grades what must fail and what must pass: the blank exercise, the master, and every example submission."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autograder.authoring import BuildError, Rendered, render, stale_files, write
from autograder.authoring.assign import make_zip
from autograder.authoring.examples import Example, read_artifacts
from autograder.authoring.render import submissions_folder
from autograder.course import Course, Exercise
from autograder.pipeline.grade_batch import grade_batch
from autograder.submission import Found
from autograder.verdict import Outcome, Verdict
from autograder.verify.findings import Finding
from autograder.verify.leaks import check_leaks
from autograder.verify.rules import broken_rule


def verify_exercise(
    exercise: Exercise,
    course: Course,
    *,
    secret: int,
    workers: int = 1,
    unsafe: bool = False,
    sample: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Finding]:
    """Every check on one exercise; the bundle is made anew first, committed files are left alone.

    With `sample`, one example of each folder is graded instead of all.
    """
    try:
        rendered = render(exercise, course)
    except BuildError as error:
        return [Finding(exercise.slug, "the master builds", False, str(error))]
    stale = stale_files(exercise, rendered)
    detail = "; ".join(stale[:3]) + (
        f" and {len(stale) - 3} more; run 'autograder build'" if len(stale) > 3 else ""
    )
    findings = [
        Finding(exercise.slug, "the master builds, its points agree with course.toml", True),
        Finding(exercise.slug, "generated files are up to date", not stale, detail),
        *check_leaks(exercise, rendered),
        _has_examples(exercise, rendered),
    ]
    if stale:
        return findings
    write(exercise, rendered)
    with tempfile.TemporaryDirectory(prefix="convcourse-verify-") as name:
        examples = list(rendered.examples)
        if sample:
            examples = list({example.folder: example for example in reversed(examples)}.values())
        findings += _graded(exercise, rendered, examples, Path(name), secret, workers, unsafe, progress)
    return findings


def _has_examples(exercise: Exercise, rendered: Rendered) -> Finding:
    folders = {example.folder for example in rendered.examples}
    missing = sorted({"full", "partial", "wrong", "crash", "timeout", "hostile"} - folders)
    detail = (
        f"examples.md has none for {', '.join(missing)}" if missing else f"{len(rendered.examples)} examples"
    )
    return Finding(exercise.slug, "every kind of example is there", not missing, detail)


def _graded(
    exercise: Exercise,
    rendered: Rendered,
    examples: list[Example],
    folder: Path,
    secret: int,
    workers: int,
    unsafe: bool,
    progress: Callable[[str], None],
) -> list[Finding]:
    def run(found: list[Found], of: Exercise) -> list[Outcome]:
        return grade_batch(
            found,
            of,
            folder / "out",
            secret=secret,
            workers=workers,
            unsafe=unsafe,
            done=lambda outcome, known: progress(f"{exercise.slug}: {outcome.submission}"),
        )

    blanks = [Found("blank", exercise.notebook)]
    master = _master_submission(exercise, rendered, folder)
    paths = [Found("master", master), *(Found(f"{e.folder}/{e.name}", _path(exercise, e)) for e in examples)]
    if exercise.artifacts:  # a blank notebook comes without any: it must earn nothing by itself
        blank, solved, *outcomes = run(blanks, replace(exercise, artifacts=())) + run(paths, exercise)
    else:
        blank, solved, *outcomes = run(blanks + paths, exercise)
    findings = [_blank_fails(exercise, blank), _master_passes(exercise, solved)]
    for example, outcome in zip(examples, outcomes, strict=True):
        problem = broken_rule(example, outcome, rendered.questions)
        measured = f"{outcome.verdict}, {outcome.score:g}/{outcome.max_score:g}"
        findings.append(Finding(exercise.slug, f"example {example.title}", not problem, problem or measured))
    return findings


def _blank_fails(exercise: Exercise, outcome: Outcome) -> Finding:
    earned = [f"{question.name} {question.score:g}" for question in outcome.questions if question.score]
    ok = outcome.verdict is Verdict.GRADED and not earned
    detail = f"{outcome.verdict} ({outcome.message}); points for nothing: {', '.join(earned) or 'none'}"
    return Finding(exercise.slug, "the blank exercise earns nothing", ok, "" if ok else detail)


def _master_passes(exercise: Exercise, outcome: Outcome) -> Finding:
    failed = [
        f"{question.name} '{case.name}': {case.message}"
        for question in outcome.questions
        for case in question.cases
        if not case.passed
    ]
    ok = outcome.verdict is Verdict.GRADED and outcome.score == exercise.points and not failed
    got = f"{outcome.verdict} with {outcome.score:g}/{outcome.max_score:g} {outcome.message}"
    return Finding(
        exercise.slug, "the master gets full marks", ok, "" if ok else "; ".join([got.strip(), *failed[:3]])
    )


def _master_submission(exercise: Exercise, rendered: Rendered, folder: Path) -> Path:
    """The solution notebook, with the artifacts of the first full example where some are asked for."""
    notebook = exercise.bundle / "solution.ipynb"
    if not exercise.artifacts:
        return notebook
    full = next(
        (example for example in rendered.examples if example.folder == "full"), Example("full", "none")
    )
    files = read_artifacts(full, exercise.folder, exercise.artifacts)
    path = folder / "master.zip"
    path.write_bytes(make_zip({exercise.notebook.name: notebook.read_bytes(), **files}))
    return path


def _path(exercise: Exercise, example: Example) -> Path:
    stem = submissions_folder(exercise) / example.folder / example.name
    archive = stem.with_name(f"{example.name}.zip")
    return archive if archive.exists() else stem.with_name(f"{example.name}.ipynb")
