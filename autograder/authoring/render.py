"""All that one master makes, as a table from path to bytes: `build` writes it, `verify` compares it."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.authoring.assign import Views, assign, make_zip, with_seed
from autograder.authoring.errors import BuildError
from autograder.authoring.examples import Example, make_notebook, parse_examples, read_artifacts
from autograder.authoring.master import read_master
from autograder.authoring.notebooks import finish, to_bytes
from autograder.authoring.public_tests import count_cases, rewrite
from autograder.course import Course, CourseExercise

SEED_BYTES = 32


@dataclass(frozen=True)
class Rendered:
    """The files made from one master; `committed` go into the repository, `bundle` to no student.

    `submissions` are the bytes of every example by its title; one of each kind is among the committed files.
    """

    committed: dict[Path, bytes]
    bundle: dict[Path, bytes]
    questions: dict[str, float]
    examples: tuple[Example, ...]
    submissions: dict[str, bytes]


def first_of_each_kind(examples: Sequence[Example]) -> list[Example]:
    """The examples that are committed, and that `make course` grades: the first in each folder."""
    return list({example.folder: example for example in reversed(examples)}.values())


def render(exercise: CourseExercise, course: Course) -> Rendered:
    """Make everything for one exercise, without writing anything."""
    requirement = f"convcourse @ git+{course.repository}@{course.branch}"
    addresses = {"site": course.site, "repository": course.repository}
    master = read_master(exercise.folder / "master.md", [requirement], addresses)
    points = sum(master.questions.values())
    if points != exercise.points:
        raise BuildError(
            f"{exercise.slug}: the questions are worth {points:g} points, course.toml says"
            f" {exercise.points:g}"
        )
    views = assign(master, exercise.slug)
    _check_tests(exercise, views, list(master.questions))
    examples = _examples(exercise, list(master.questions))

    committed = {exercise.notebook: to_bytes(finish(views.student, exercise.slug))}
    for name, source in views.public_tests.items():
        if count_cases(source):
            committed[public_tests_folder(exercise) / name] = rewrite(name, source).encode()
    made = {example.title: _submission(example, exercise, views) for example in examples}
    committed |= dict(made[example.title] for example in first_of_each_kind(examples))

    bundle = {exercise.bundle / "tests" / name: source.encode() for name, source in views.all_tests.items()}
    bundle[exercise.bundle / "titles.json"] = json.dumps(master.titles, ensure_ascii=False).encode()
    bundle[exercise.bundle / "solution.ipynb"] = to_bytes(finish(views.solution, exercise.slug))
    seed = _zip_seed(exercise.bundle / "otter_seed")
    bundle[exercise.bundle / "otter_seed"] = f"{seed}\n".encode()
    bundle[exercise.bundle / "autograder.zip"] = with_seed(views.autograder_zip, seed)
    submissions = {title: data for title, (_, data) in made.items()}
    return Rendered(committed, bundle, master.questions, tuple(examples), submissions)


def _zip_seed(path: Path) -> str:
    """The seed of otter's zip, made once and kept, so that a zip built again draws the same inputs."""
    kept = path.read_text(encoding="ascii").strip() if path.is_file() else ""
    return kept if len(kept) == 2 * SEED_BYTES else secrets.token_hex(SEED_BYTES)


def public_tests_folder(exercise: CourseExercise) -> Path:
    """Where convcourse finds the public tests of an exercise."""
    return exercise.root / "convcourse" / "public_tests" / exercise.slug


def submissions_folder(exercise: CourseExercise) -> Path:
    """Where the example submissions of an exercise lie."""
    return exercise.folder / "submissions"


def _check_tests(exercise: CourseExercise, views: Views, questions: list[str]) -> None:
    for name, source in views.all_tests.items():
        try:
            compile(source, name, "exec")
        except SyntaxError as error:
            raise BuildError(f"{exercise.slug}: otter's test file {name} does not compile: {error}") from None
    for question in questions:
        if f"{question}.py" not in views.all_tests:
            raise BuildError(f"{exercise.slug}: question {question} has no tests")


def _examples(exercise: CourseExercise, questions: list[str]) -> list[Example]:
    path = exercise.folder / "examples.md"
    if not path.is_file():
        return []
    return parse_examples(path.read_text(encoding="utf-8"), questions)


def _submission(example: Example, exercise: CourseExercise, views: Views) -> tuple[Path, bytes]:
    notebook = to_bytes(finish(make_notebook(example, views.solution, views.student), exercise.slug))
    stem = submissions_folder(exercise) / example.folder / example.name
    if not (exercise.artifacts or example.artifacts):
        return stem.with_name(f"{example.name}.ipynb"), notebook
    files = read_artifacts(example, exercise.folder, exercise.artifacts)
    return stem.with_name(f"{example.name}.zip"), make_zip({exercise.notebook.name: notebook, **files})
