"""The flow of a grade: submission -> sandbox -> hidden tests -> record.

The five stages know nothing of one another; this is the only place where one's result becomes another's
input. The gradebook and the feedback page are made from the record, elsewhere and later.
"""

import re
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from autograder import sandbox, scoring
from autograder import submission as intake
from autograder.course import Course, CourseExercise
from autograder.pipeline.failure import failed, without_score
from autograder.pipeline.job import Job
from autograder.pipeline.keys import grader_hash, tests_hash
from autograder.record import Record
from autograder.text import clean
from autograder.verdict import (
    WHILE_TESTED,
    CellOutcome,
    NetworkOutcome,
    Outcome,
    QuestionOutcome,
    Verdict,
)
from convcourse.checks import NotTelling

# Where an object lies in memory differs from run to run, so `<function f at 0x7f3a...>` in a student's own
# output would make two gradings of the same submission differ. What the address was says nothing to anybody.
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
MOST_DETAIL = 2000  # characters of one line for the instructor


def grade_one(job: Job, course: Course, secret: int) -> Record:
    """Grade one submission. Whatever happens becomes a verdict; nothing is raised."""
    started = time.monotonic()
    results = None
    try:
        exercise = replace(course.exercise(job.slug), artifacts=job.artifacts, limits=job.limits)
        if different := _differs(job, exercise, secret):
            return failed(job, different)
        submission = intake.read_submission(job.content, job.slug, job.artifacts)
        outcome, results = _graded(submission, exercise, job, secret)
    except intake.Malformed as error:
        outcome = without_score(job, Verdict.MALFORMED, str(error))
    except (scoring.ArtifactError, NotTelling) as error:  # what the course lacks, in our own words
        outcome = without_score(job, Verdict.GRADER_ERROR, str(error))
    except (scoring.ScoringError, sandbox.SandboxBroken) as error:
        outcome = _grader_failed(job, str(error))
    except Exception as error:  # our own mistake must cost this one submission nothing and the others nothing
        traceback.print_exc()
        outcome = _grader_failed(job, f"{type(error).__name__}: {error}")
    outcome = replace(
        outcome,
        message=clean(outcome.message),  # it may name files and whatever else the student chose
        seconds=time.monotonic() - started,
        practice=scoring.is_practice(secret),
    )
    return Record(job.key, outcome, scoring.gradescope_results(outcome, results))


def _grader_failed(job: Job, detail: str) -> Outcome:
    """A failure that a student's process may have had a hand in: what it was is the instructor's to know."""
    outcome = without_score(job, Verdict.GRADER_ERROR, WHILE_TESTED[Verdict.GRADER_ERROR])
    return replace(outcome, detail=_detail([detail]))


def _differs(job: Job, exercise: CourseExercise, secret: int) -> str:
    """In which way this checkout would not grade as the sender's does, or an empty text."""
    if job.grader != grader_hash(job.unsafe):
        return (
            "the machine that was to grade this has another version of the grader or of its libraries than"
            " the command; bring both to the same commit and the same constraints.txt"
        )
    try:
        tests = tests_hash(exercise, secret)
    except FileNotFoundError as error:
        return f"on the machine that was to grade this: {error}"
    if job.tests != tests:
        return (
            f"the machine that was to grade this has other hidden tests of {job.slug} than the command, or"
            f" another secret; run 'autograder build {job.slug}' on both, and give both the same secret"
        )
    return ""


def _graded(
    submission: intake.Submission, exercise: CourseExercise, job: Job, secret: int
) -> tuple[Outcome, Any]:
    """Run and score, and do so again where the sandbox broke or the student's process died.

    A process that a kernel short of memory or an administrator ended looks the same as one that ended itself.
    Only what happens twice is the student's own doing.
    """
    try:
        outcome, results = _run_and_score(submission, exercise, job, secret)
    except sandbox.SandboxBroken:
        return _run_and_score(submission, exercise, job, secret)
    if outcome.verdict is Verdict.CRASHED:
        return _run_and_score(submission, exercise, job, secret)
    return outcome, results


def _run_and_score(
    submission: intake.Submission, exercise: CourseExercise, job: Job, secret: int
) -> tuple[Outcome, Any]:
    """Run the student's cells in the sandbox, then the tests out here over the names they defined."""
    limits = sandbox.load_limits(exercise.limits)
    # Inputs serve one submission: what a student learns of them is of no use in any other.
    draws = partial(scoring.seed_for, secret, exercise.slug, submission.fingerprint())
    cells = [sandbox.Cell(cell.index, cell.source, cell.tags) for cell in submission.cells]
    # The network is judged in sandboxes of its own while the notebook runs in another: most of it is waiting.
    with ThreadPoolExecutor(1) as alongside:
        judging = alongside.submit(
            scoring.judge_artifacts,
            submission.artifacts,
            slug=exercise.slug,
            seed=int(draws("test images"), 16),
            judge=partial(sandbox.judge_network, limits=limits, unsafe=job.unsafe),
            refused=sandbox.NetworkRefused,
        )
        with sandbox.open_session(
            cells, limits=limits, files=submission.artifacts, unsafe=job.unsafe
        ) as session:
            ran = session.run_cells()
            scored = scoring.score(
                exercise.bundle / "tests",
                session.environment,
                inputs=draws("inputs"),
                slug=exercise.slug,
                reserved=scoring.StillJudged(judging),
                seed=session.seed,
                student_errors=(sandbox.StudentError,),
                grader_errors=(sandbox.SandboxBroken, scoring.ArtifactError, NotTelling),
            )
            verdict, message = Verdict(session.verdict), session.message
        names, remarks = judging.result()
    details = session.details
    if not scored.finished:
        details = [*details, "A test itself took too long on a value from the notebook."]
    if verdict is Verdict.GRADED and not scored.finished:
        verdict, message = Verdict.TIME_LIMIT, WHILE_TESTED[Verdict.TIME_LIMIT]
    sources = {cell.index: cell.source for cell in submission.cells}
    titles = exercise.titles
    outcome = Outcome(
        submission=job.name,
        exercise=exercise.slug,
        verdict=verdict,
        score=scored.score,
        max_score=scored.max_score,
        seconds=0.0,
        message=_steady("\n".join(text for text in (message, *remarks) if text)),
        questions=tuple(
            replace(_question_outcome(question), title=titles.get(question.name, ""))
            for question in scored.questions
        ),
        cells=tuple(_cell_outcome(cell, sources) for cell in ran),
        detail=_detail(details),
        network=_network_outcome(names),
    )
    return outcome, scored.results


def _network_outcome(names: dict[str, Any]) -> NetworkOutcome | None:
    """What was measured of the network, whether or not it earned its points."""
    network, log = names[scoring.NETWORK_NAME], names[scoring.LOG_NAME]
    if network is None:
        return None
    return NetworkOutcome(
        numbers_in_graph=network.numbers_in_graph,
        accuracy=network.accuracy,
        plain_accuracy=network.plain_accuracy,
        noisy_accuracy=network.noisy_accuracy,
        shifted_accuracy=network.shifted_accuracy,
        log=scoring.summary(log) if log else "",
    )


def _question_outcome(question: QuestionOutcome) -> QuestionOutcome:
    cases = tuple(
        replace(case, message=_steady(clean(case.message)), detail=_detail([case.detail]))
        for case in question.cases
    )
    return replace(question, cases=cases)


def _detail(lines: list[str]) -> str:
    """What only the instructor is told: bounded, and without what no terminal should be sent."""
    return "\n".join(_steady(clean(line[:MOST_DETAIL])) for line in lines if line)


def _cell_outcome(cell: sandbox.CellResult, sources: dict[int, str]) -> CellOutcome:
    return CellOutcome(
        index=cell.index,
        source=sources.get(cell.index, ""),
        status=cell.status,
        text=_steady(cell.text),
        error=_steady(cell.error),
        images=tuple(cell.images),
        seconds=cell.seconds,
    )


def _steady(text: str) -> str:
    """Text without addresses in memory.

    >>> _steady("<function f at 0x7f3a5c0d1e20>")
    '<function f at 0x…>'
    """
    return ADDRESS.sub("0x…", text)
