"""Runs a submission's cells once and asks the hidden tests about them as often as wanted, for `verify`.

A grading asks once. Here the same names are asked under many secrets, or through a habit of cheap answers.
Only the course's own submissions are rehearsed, so a later asking may trust an earlier one.
"""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from autograder import sandbox, scoring
from autograder import submission as intake
from autograder.course import CourseExercise
from autograder.pipeline.cheap import CheapSession, Habit, PublicTable
from autograder.verdict import QuestionOutcome
from convcourse.checks import NotTelling


class Rehearsal:
    """The names that a submission's cells have made, ready to be asked."""

    def __init__(
        self, exercise: CourseExercise, session: sandbox.Session, judging: Any, fingerprint: str
    ) -> None:
        self.exercise, self._session, self._judging = exercise, session, judging
        self._fingerprint = fingerprint  # of the submission, so that it is asked what a grading asks

    def ask(
        self, secret: int, questions: Collection[str] | None = None, habit: Habit | None = None
    ) -> dict[str, QuestionOutcome]:
        """The outcome of each of `questions` (all by default), by name, under one secret.

        `habit` turns every answer into a cheap one.
        """
        self._session.forget_costs()
        environment: Any = self._session.environment
        if habit is not None:
            environment = CheapSession(self._session, habit).environment

        def watch(case: Any) -> None:
            if isinstance(habit, PublicTable):
                habit.learning = not case.hidden

        scored = scoring.score(
            self.exercise.bundle / "tests",
            environment,
            inputs=scoring.seed_for(secret, self.exercise.slug, self._fingerprint, "inputs"),
            slug=self.exercise.slug,
            # Who knows nothing hands in no network either.
            reserved=scoring.StillJudged(self._judging) if habit is None else dict.fromkeys(scoring.RESERVED),
            seed=self._session.seed,
            student_errors=(sandbox.StudentError,),
            grader_errors=(sandbox.SandboxBroken, scoring.ArtifactError, NotTelling),
            only=questions,
            watch=watch,
        )
        return {question.name: question for question in scored.questions}


@cache
def _judged(
    artifacts: tuple[tuple[str, bytes], ...], slug: str, profile: str, seed: int, unsafe: bool
) -> Any:
    """What `judge_artifacts` finds; most examples of an exercise hand in the same network."""
    return scoring.judge_artifacts(
        dict(artifacts),
        slug=slug,
        seed=seed,
        judge=partial(sandbox.judge_network, limits=sandbox.load_limits(profile), unsafe=unsafe),
        refused=sandbox.NetworkRefused,
    )


@contextmanager
def rehearse(
    content: bytes, exercise: CourseExercise, *, seed: int, unsafe: bool = False
) -> Iterator[Rehearsal]:
    """Run the cells of a submission (a notebook's bytes, or a zip's) and keep them to be asked.

    `seed` orders the images on which a network is judged, once. Raises `Malformed` for what cannot be read.
    """
    submission = intake.read_submission(content, exercise.slug, exercise.artifacts)
    limits = sandbox.load_limits(exercise.limits)
    cells = [sandbox.Cell(cell.index, cell.source, cell.tags) for cell in submission.cells]
    with ThreadPoolExecutor(1) as alongside:
        artifacts = tuple(sorted(submission.artifacts.items()))
        judging = alongside.submit(_judged, artifacts, exercise.slug, exercise.limits, seed, unsafe)
        with sandbox.open_session(cells, limits=limits, files=submission.artifacts, unsafe=unsafe) as session:
            session.run_cells()
            yield Rehearsal(exercise, session, judging, submission.fingerprint())
