"""Puts what a master makes on disk, and says what on disk no longer agrees with it."""

from pathlib import Path

from autograder.authoring.render import Rendered, public_tests_folder, render, submissions_folder
from autograder.course import Course, CourseExercise
from autograder.files import write_whole


def build_exercise(exercise: CourseExercise, course: Course) -> tuple[Rendered, list[Path]]:
    """Build one exercise; returns what was made and the paths that changed on disk."""
    rendered = render(exercise, course)
    return rendered, write(exercise, rendered)


def write(exercise: CourseExercise, rendered: Rendered) -> list[Path]:
    """Put on disk what a master makes, and take away what it makes no longer; the paths that changed."""
    changed = []
    for path, data in {**rendered.committed, **rendered.bundle}.items():
        if not path.is_file() or path.read_bytes() != data:
            write_whole(path, data)
            changed.append(path)
    for path in _left_over(exercise, rendered, [exercise.bundle]):
        path.unlink()
        changed.append(path)
    return changed


def stale_files(exercise: CourseExercise, rendered: Rendered) -> list[str]:
    """Committed files that differ from what the master makes, each with what is wrong."""
    problems = []
    for path, data in rendered.committed.items():
        name = path.relative_to(exercise.root)
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif path.read_bytes() != data:
            problems.append(f"{name} differs from its master")
    problems += [
        f"{path.relative_to(exercise.root)} is left over" for path in _left_over(exercise, rendered, [])
    ]
    return problems


def _left_over(exercise: CourseExercise, rendered: Rendered, more: list[Path]) -> list[Path]:
    """Files in generated folders that no master makes any longer."""
    expected = {**rendered.committed, **rendered.bundle}
    folders = [public_tests_folder(exercise), submissions_folder(exercise), *more]
    found = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in found if path not in expected and "__pycache__" not in path.parts]
