"""Who grades: one process of this machine, several, or a cluster."""

import contextlib
from collections.abc import Generator, Iterator
from pathlib import Path

from autograder.pipeline.failure import failed
from autograder.pipeline.grader_process import GraderSupervisor
from autograder.pipeline.job import Job
from autograder.record import Record, RecordError


def dispatch(
    jobs: Iterator[Job],
    *,
    workers: int,
    course: Path,
    secret: int,
    scheduler: str | None = None,
    tls: Path | None = None,
) -> Generator[tuple[Job, Record]]:
    """Each of `jobs` with its record, as they are done. Jobs are taken one by one, as there is somebody free.

    With one worker on this machine the grading process is this process's own child: a cluster of one would
    only cost its start. Close the iterator to end what runs.
    """
    if scheduler is None and workers == 1:
        pairs = _one_by_one(jobs, course, secret)
    else:
        # A second to import, so only where it is needed.
        from autograder.pipeline.cluster import grade_on_cluster

        pairs = grade_on_cluster(
            jobs, workers=workers, course=course, secret=secret, scheduler=scheduler, tls=tls
        )
    with contextlib.closing(pairs):
        for job, data in pairs:
            yield job, _checked(job, data)


def _one_by_one(jobs: Iterator[Job], course: Path, secret: int) -> Generator[tuple[Job, bytes]]:
    supervisor = GraderSupervisor(course, secret)
    try:
        supervisor.start()
        for job in jobs:
            yield job, supervisor.grade(job)
    finally:
        supervisor.close()


def _checked(job: Job, data: bytes) -> Record:
    try:
        record = Record.from_bytes(data)
    except RecordError as error:
        return failed(job, f"who graded this answered with no grading ({error}); grade it again")
    if record.key != job.key:
        return failed(job, "who graded this answered with the grading of something else; grade it again")
    return record
