"""Grades what must fail and what must pass: the blank exercise, the master, and every example submission."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.authoring import BuildError, Rendered, render, stale_files, write
from autograder.authoring.assign import make_zip
from autograder.authoring.examples import Example, read_artifacts
from autograder.authoring.render import first_of_each_kind
from autograder.course import Course, CourseExercise
from autograder.pipeline.grade_batch import grade_batch
from autograder.pipeline.rehearsal import rehearse
from autograder.submission import Found
from autograder.verdict import Outcome, Verdict
from autograder.verify.findings import Finding
from autograder.verify.leaks import check_leaks
from autograder.verify.rules import broken_rule
from autograder.verify.soundness import cheap_answers, full_marks, planted_mistake


@dataclass(frozen=True)
class Effort:
    """How much is tried: secrets for a full submission, secrets for a planted mistake, and which examples."""

    full_secrets: int
    wrong_secrets: int
    every_example: bool


THOROUGH = Effort(full_secrets=50, wrong_secrets=10, every_example=True)
SAMPLE = Effort(full_secrets=8, wrong_secrets=2, every_example=False)


def verify_exercise(
    exercise: CourseExercise,
    course: Course,
    *,
    secret: int,
    workers: int = 1,
    unsafe: bool = False,
    sample: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> list[Finding]:
    """Every check on one exercise; the bundle is made anew first, committed files are left alone.

    With `sample`, fewer secrets are tried, and of crash, timeout, hostile and partial one example each.
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
    if stale:  # what follows would grade by other tests than those that are committed
        return findings
    write(exercise, rendered)
    effort = SAMPLE if sample else THOROUGH
    with tempfile.TemporaryDirectory(prefix="convcourse-verify-") as name:
        findings += _graded(exercise, rendered, effort, Path(name), secret, workers, unsafe, progress)
        findings += _rehearsed(exercise, rendered, effort, Path(name), secret, unsafe, progress)
    return findings


def _has_examples(exercise: CourseExercise, rendered: Rendered) -> Finding:
    folders = {example.folder for example in rendered.examples}
    missing = sorted({"full", "partial", "wrong", "crash", "timeout", "hostile"} - folders)
    detail = (
        f"examples.md has none for {', '.join(missing)}" if missing else f"{len(rendered.examples)} examples"
    )
    return Finding(exercise.slug, "every kind of example is there", not missing, detail)


def _graded(
    exercise: CourseExercise,
    rendered: Rendered,
    effort: Effort,
    folder: Path,
    secret: int,
    workers: int,
    unsafe: bool,
    progress: Callable[[str], None],
) -> list[Finding]:
    """What a whole grading must show: the blank notebook, the master, and examples of each kind."""
    shown = first_of_each_kind(rendered.examples)
    examples = [
        example
        for example in rendered.examples
        if example in shown or (effort.every_example and example.folder not in ("full", "wrong"))
    ]

    def run(found: list[Found], of: CourseExercise) -> list[Outcome]:
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
    paths = [Found("master", _master_submission(exercise, rendered, folder))]
    paths += [Found(example.title, _written(exercise, rendered, example, folder)) for example in examples]
    if exercise.artifacts:  # a blank notebook comes without any: it must earn nothing by itself
        blank, solved, *outcomes = run(blanks, replace(exercise, artifacts=())) + run(paths, exercise)
    else:
        blank, solved, *outcomes = run(blanks + paths, exercise)
    findings = [_blank_fails(exercise, blank), _master_passes(exercise, solved)]
    for example, outcome in zip(examples, outcomes, strict=True):
        problem = broken_rule(example, outcome, rendered.questions)
        measured = f"{outcome.verdict}, {outcome.score:g}/{outcome.max_score:g}"
        findings.append(Finding(exercise.slug, f"graded {example.title}", not problem, problem or measured))
    return findings


def _rehearsed(
    exercise: CourseExercise,
    rendered: Rendered,
    effort: Effort,
    folder: Path,
    secret: int,
    unsafe: bool,
    progress: Callable[[str], None],
) -> Iterator[Finding]:
    """What many secrets must show: cells run once, hidden tests are asked again and again."""
    secrets = range(secret, secret + effort.full_secrets)
    master = _master_submission(exercise, rendered, folder).read_bytes()
    with rehearse(master, exercise, seed=secret, unsafe=unsafe) as rehearsal:
        progress(f"{exercise.slug}: the master under {len(secrets)} secrets")
        yield full_marks(exercise, "the master", rehearsal, secrets)
        progress(f"{exercise.slug}: cheap answers")
        yield from cheap_answers(exercise, rehearsal, secret)
    for example in rendered.examples:
        if example.folder not in ("full", "wrong"):
            continue
        progress(f"{exercise.slug}: {example.title}")
        with rehearse(rendered.submissions[example.title], exercise, seed=secret, unsafe=unsafe) as rehearsal:
            if example.folder == "full":
                yield full_marks(exercise, f"example {example.title}", rehearsal, secrets)
            else:
                tried = secrets[: effort.wrong_secrets]
                yield planted_mistake(exercise, example, rehearsal, tried)


def _blank_fails(exercise: CourseExercise, outcome: Outcome) -> Finding:
    earned = [f"{question.name} {question.score:g}" for question in outcome.questions if question.score]
    ok = outcome.verdict is Verdict.GRADED and not earned
    detail = f"{outcome.verdict} ({outcome.message}); points for nothing: {', '.join(earned) or 'none'}"
    return Finding(exercise.slug, "the blank exercise earns nothing", ok, "" if ok else detail)


def _master_passes(exercise: CourseExercise, outcome: Outcome) -> Finding:
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


def _master_submission(exercise: CourseExercise, rendered: Rendered, folder: Path) -> Path:
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


def _written(exercise: CourseExercise, rendered: Rendered, example: Example, folder: Path) -> Path:
    """The example as a file that can be handed in."""
    suffix = ".zip" if exercise.artifacts or example.artifacts else ".ipynb"
    path = folder / "examples" / example.folder / f"{example.name}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rendered.submissions[example.title])
    return path
