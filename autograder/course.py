"""The manifest `solutions/course.toml`, which exercises there are and what each asks for."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class CourseError(ValueError):
    """The manifest or a folder it names is not as it should be."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of the course.

    `points` is the sum over its questions; `limits` names a profile of `sandbox/limits.toml`; `artifacts` are
    the files that a student hands in beside the notebook.
    """

    slug: str
    title: str
    points: float
    limits: str
    artifacts: tuple[str, ...] = ()
    root: Path = ROOT

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


@dataclass(frozen=True)
class Course:
    """The whole course, in the order of its chapters."""

    title: str
    repository: str
    branch: str
    site: str
    exercises: tuple[Exercise, ...]

    def exercise(self, slug: str) -> Exercise:
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
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        head = table["course"]
        exercises = tuple(
            Exercise(
                slug=row["slug"],
                title=row["title"],
                points=float(row["points"]),
                limits=row["limits"],
                artifacts=tuple(row.get("artifacts", ())),
                root=root,
            )
            for row in table["exercise"]
        )
        return Course(head["title"], head["repository"], head["branch"], head["site"], exercises)
    except FileNotFoundError:
        raise CourseError(f"{path} is missing; run this inside a checkout of the course") from None
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path} is not valid TOML: {error}") from None
    except KeyError as error:
        raise CourseError(f"{path} lacks the key {error}") from None
