"""The flow of a grade: submission -> sandbox -> hidden tests -> gradebook -> feedback.

The five stages know nothing of one another; this is the only place where one's result becomes another's
input.
"""

import json
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from autograder import feedback, gradebook, sandbox, scoring
from autograder import submission as intake
from autograder.course import Exercise, load_course
from autograder.verdict import CaseOutcome, CellOutcome, Outcome, QuestionOutcome, Verdict
from autograder.workers import run_each


@dataclass(frozen=True)
class Job:
    """One submission to grade, and how."""

    found: intake.Found
    exercise: Exercise
    out: Path
    secret: int
    unsafe: bool = False


def grade_many(
    found: Sequence[intake.Found],
    exercise: Exercise,
    out: Path,
    *,
    secret: int,
    workers: int = 1,
    unsafe: bool = False,
    done: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Grade every submission in a process of its own; outcomes and grades.csv in the order of `found`."""
    jobs = [Job(item, exercise, out, secret, unsafe) for item in found]
    outcomes: dict[int, Outcome] = {}

    def arrived(index: int, answer: bytes | None) -> None:
        outcome = _from_json(answer) if answer is not None else _dead_worker(jobs[index])
        outcomes[index] = outcome
        # Written anew each time, so that a run that is ended early leaves the grades it reached.
        gradebook.write_grades(out / "grades.csv", [outcomes[index] for index in sorted(outcomes)])
        done(outcome)

    run_each(_grade_job, jobs, workers=workers, seconds=_patience(exercise), done=arrived)
    return [outcomes[index] for index in range(len(jobs))]


def grade_one(job: Job) -> Outcome:
    """Grade one submission and write its results.json and feedback.html."""
    started = time.monotonic()
    results = None
    try:
        submission = intake.read_submission(job.found.path, job.exercise.slug, job.exercise.artifacts)
        outcome, results = _run_and_score(submission, job)
    except intake.Malformed as error:
        outcome = _without_score(job, Verdict.MALFORMED, str(error))
    except (scoring.ArtifactError, scoring.ScoringError, sandbox.SandboxBroken) as error:
        outcome = _without_score(job, Verdict.GRADER_ERROR, str(error))
    except Exception as error:  # our own mistake must cost this one submission nothing and the others nothing
        traceback.print_exc()
        outcome = _without_score(
            job, Verdict.GRADER_ERROR, f"the grader failed: {type(error).__name__}: {error}"
        )
    outcome = replace(outcome, seconds=time.monotonic() - started)
    _write(job, outcome, results)
    return outcome


def _run_and_score(submission: intake.Submission, job: Job) -> tuple[Outcome, Any]:
    """Run the student's cells in the sandbox, then the tests out here over the names they defined."""
    exercise = job.exercise
    limits = sandbox.load_limits(exercise.limits)
    cells = [sandbox.Cell(cell.index, cell.source, cell.tags) for cell in submission.cells]
    reserved, remarks = scoring.judge_artifacts(
        submission.artifacts,
        slug=exercise.slug,
        seed=scoring.seed_for(job.secret, exercise.slug, "order of the test images"),
        judge=partial(_judge, limits=limits, unsafe=job.unsafe),
        refused=sandbox.NetworkRefused,
    )
    with sandbox.open_session(cells, limits=limits, files=submission.artifacts, unsafe=job.unsafe) as session:
        ran = session.run_cells()
        scored = scoring.score(
            exercise.bundle / "tests",
            session.environment,
            secret=job.secret,
            reserved=reserved,
            seed=session.seed,
            student_errors=(sandbox.StudentError,),
            grader_errors=(sandbox.SandboxBroken,),
        )
        verdict, message = Verdict(session.verdict), session.message
    if verdict is Verdict.GRADED and not scored.finished:
        verdict, message = Verdict.TIME_LIMIT, "a test took too long on a value from your notebook"
    sources = {cell.index: cell.source for cell in submission.cells}
    outcome = Outcome(
        submission=job.found.name,
        exercise=exercise.slug,
        verdict=verdict,
        score=scored.score,
        max_score=scored.max_score,
        seconds=0.0,
        message="\n".join(text for text in (message, *remarks) if text),
        questions=scored.questions,
        cells=tuple(_cell_outcome(cell, sources) for cell in ran),
    )
    return outcome, scored.results


def _judge(onnx: bytes, images: Any, *, limits: sandbox.Limits, unsafe: bool) -> sandbox.NetworkReport:
    return sandbox.judge_network(onnx, images, limits, unsafe=unsafe)


def _cell_outcome(cell: sandbox.CellResult, sources: dict[int, str]) -> CellOutcome:
    return CellOutcome(
        index=cell.index,
        source=sources.get(cell.index, ""),
        status=cell.status,
        text=cell.text,
        error=cell.error,
        images=tuple(cell.images),
        seconds=cell.seconds,
    )


def _without_score(job: Job, verdict: Verdict, message: str) -> Outcome:
    return Outcome(job.found.name, job.exercise.slug, verdict, 0.0, job.exercise.points, 0.0, message)


def _write(job: Job, outcome: Outcome, results: Any) -> None:
    folder = job.out / job.found.name
    gradebook.write_results(folder / "results.json", scoring.gradescope_results(outcome, results))
    feedback.write_feedback(
        folder / "feedback.html", outcome, job.exercise.title, _chapter_link(job.exercise)
    )


def _chapter_link(exercise: Exercise) -> str:
    return f"{load_course(exercise.root).site}/book/{exercise.slug}.html"


def _dead_worker(job: Job) -> Outcome:
    """The grader's own process died twice over this submission: say so, and leave its page behind."""
    outcome = _without_score(
        job, Verdict.GRADER_ERROR, "the grader's process died twice; see the grader's own log"
    )
    _write(job, outcome, None)
    return outcome


def _patience(exercise: Exercise) -> float:
    """Seconds after which a worker counts as hung: far more than all of the sandbox's own limits together."""
    limits = sandbox.load_limits(exercise.limits)
    once = limits.start_s + limits.preload_s + limits.wall_s + limits.calls_wall_s + limits.grace_s
    return 60 + 2 * limits.model_wall_s + 2 * (1 + limits.restarts) * once


def _grade_job(job: Job) -> bytes:
    """What runs in a worker; the cells' outputs stay in the files it wrote."""
    return json.dumps(asdict(replace(grade_one(job), cells=()))).encode()


def _from_json(data: bytes) -> Outcome:
    record = json.loads(data)
    questions = tuple(
        QuestionOutcome(**{**question, "cases": tuple(CaseOutcome(**case) for case in question["cases"])})
        for question in record.pop("questions")
    )
    verdict = Verdict(record.pop("verdict"))
    return Outcome(**{**record, "verdict": verdict, "questions": questions, "cells": ()})
