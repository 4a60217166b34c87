"""What is recorded where nothing could be scored."""

from autograder.pipeline.job import Job
from autograder.record import Record
from autograder.scoring import gradescope_results
from autograder.verdict import Outcome, Verdict


def without_score(job: Job, verdict: Verdict, message: str) -> Outcome:
    """An outcome with no points and no questions."""
    return Outcome(job.name, job.slug, verdict, 0.0, job.points, 0.0, message)


def failed(job: Job, message: str) -> Record:
    """The record of our own failure over `job`; `message` says what happened and what to do."""
    outcome = without_score(job, Verdict.GRADER_ERROR, message)
    return Record(job.key, outcome, gradescope_results(outcome, None))
