"""The manifest `solutions/course.toml`: which exercises there are, and what each asks for.

Every wrong value is refused with the file, the key, the value and what would be right.
"""

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.policy import HandIn, Policy, read_hand_in, read_policy
from autograder.values import WrongValue, get, positive, table_of, text, texts

ROOT = Path(__file__).resolve().parent.parent


class CourseError(ValueError):
    """The manifest or a folder it names is not as it should be."""


@dataclass(frozen=True)
class CourseExercise:
    """One exercise of the course.

    `points` is the sum over its questions; `limits` names a profile of `sandbox/limits.toml`; `artifacts` are
    the files that a student hands in with the notebook; `policy` says how attempts at it become a grade.
    """

    slug: str
    title: str
    points: float
    limits: str
    artifacts: tuple[str, ...] = ()
    root: Path = ROOT
    policy: Policy = field(default_factory=Policy)

    @property
    def folder(self) -> Path:
        """Where the master, its examples and the example submissions lie."""
        return self.root / "solutions" / self.slug

    @property
    def notebook(self) -> Path:
        """The student's notebook, generated from the master."""
        return self.root / "exercises" / f"{self.slug}.ipynb"

    @property
    def bundle(self) -> Path:
        """Where `build` puts the hidden tests and the standard otter zip; never shown to a student."""
        return self.root / "_build" / "bundles" / self.slug

    @property
    def titles(self) -> dict[str, str]:
        """The heading of each question by its name; none before it is built."""
        path = self.bundle / "titles.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    @property
    def questions(self) -> tuple[str, ...]:
        """The names of its questions; none before it is built."""
        return tuple(sorted(path.stem for path in (self.bundle / "tests").glob("*.py")))


@dataclass(frozen=True)
class Course:
    """The whole course, in the order of its chapters."""

    title: str
    repository: str
    branch: str
    site: str
    exercises: tuple[CourseExercise, ...]
    hand_in: HandIn = field(default_factory=HandIn)

    def exercise(self, slug: str) -> CourseExercise:
        """The exercise called `slug`; an unknown name is answered with the names there are."""
        for exercise in self.exercises:
            if exercise.slug == slug:
                return exercise
        known = ", ".join(e.slug for e in self.exercises)
        raise CourseError(f"no exercise is called {slug!r}; solutions/course.toml has: {known}")


def load_course(root: Path = ROOT) -> Course:
    """Read `solutions/course.toml` below `root`.

    >>> load_course().exercise("04_stride_and_padding").limits
    'notebook'
    """
    path = root / "solutions" / "course.toml"
    try:
        return _course(tomllib.loads(path.read_text(encoding="utf-8")), root)
    except FileNotFoundError:
        raise CourseError(f"{path} is missing; run this inside a checkout of the course") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} is not valid TOML: {error}") from None
    except WrongValue as error:
        raise CourseError(f"{path}: {error}") from None


def _course(table: dict[str, Any], root: Path) -> Course:
    names = ("title", "repository", "branch", "site")
    head = table_of(table.get("course"), "[course]", names)
    title, repository, branch, site = (get(head, name, "[course]", text) for name in names)
    hand_in = read_hand_in(table.get("hand_in", {}))
    policy = read_policy(table.get("policy", {}), "[policy]", Policy())
    if policy.extra_credit:
        raise WrongValue(
            "[policy] has extra_credit, but a question belongs to one exercise; put it into the"
            " [exercise.policy] of that one"
        )
    rows = table.get("exercise")
    if not isinstance(rows, list) or not rows:
        raise WrongValue("it lacks the key 'exercise'; add a table [[exercise]] for each exercise")
    exercises = tuple(_exercise(row, number, policy, root) for number, row in enumerate(rows, 1))
    slugs = [exercise.slug for exercise in exercises]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise WrongValue(f"two exercises have slug = {slug!r}; rename one")
    return Course(title, repository, branch, site, exercises, hand_in)


def _exercise(row: Any, number: int, policy: Policy, root: Path) -> CourseExercise:
    where = f"[[exercise]] number {number}"
    row = table_of(row, where, ("slug", "title", "points", "limits", "artifacts", "policy"))
    slug = get(row, "slug", where, text)
    where = f"[[exercise]] {slug}"
    return CourseExercise(
        slug=slug,
        title=get(row, "title", where, text),
        points=get(row, "points", where, positive),
        limits=get(row, "limits", where, text),
        artifacts=get(row, "artifacts", where, texts) if "artifacts" in row else (),
        root=root,
        policy=read_policy(row.get("policy", {}), f"[exercise.policy] of {slug}", policy),
    )
