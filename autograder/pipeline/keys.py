"""Hashes of what a grade depends on: the bytes handed in, the tests with their secret, the grader itself."""

import hashlib
import json
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import autograder
import convcourse
from autograder.course import CourseExercise
from autograder.scoring.secret import fingerprint

# What decides a grade. How a grade is shown, kept or reported does not, so those rooms may change freely.
GRADER = (
    "verdict.py",
    "record.py",
    "pipeline/grade_one.py",
    "sandbox",
    "scoring",
    "submission",
)
LIBRARIES = (
    "otter-grader",
    "ipython",
    "matplotlib",
    "numpy",
    "onnx",
    "onnxruntime",
    "scikit-learn",
    "torch",
    "torchvision",
)


def submission_hash(content: bytes) -> str:
    """SHA-256 of the bytes handed in.

    >>> submission_hash(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(content).hexdigest()


def question_hashes(exercise: CourseExercise) -> dict[str, str]:
    """The hash of each question's test file, public and hidden cases together, by the question's name."""
    files = sorted((exercise.bundle / "tests").glob("*.py"))
    return {path.stem: submission_hash(path.read_bytes()) for path in files}


def tests_hash(exercise: CourseExercise, secret: int) -> str:
    """The hash of an exercise's tests, of what it asks for, and of the secret that its inputs are drawn from.

    The same tests with another secret draw other inputs, so the hash differs. Raises FileNotFoundError where
    the tests are not built.
    """
    questions = question_hashes(exercise)
    if not questions:
        raise FileNotFoundError(
            f"the hidden tests of {exercise.slug} are not built; run 'autograder build {exercise.slug}' first"
        )
    # This hash is kept in gradebooks and must say nothing of the secret, not even whether a guess is right.
    about = [
        exercise.slug,
        exercise.points,
        exercise.limits,
        list(exercise.artifacts),
        questions,
        fingerprint(secret),
    ]
    return submission_hash(json.dumps(about, sort_keys=True).encode())


@cache
def grader_hash(unsafe: bool = False) -> str:
    """The hash of the code, the limits and the libraries that grade, as they are when this is first asked.

    What was graded without every limit enforced is not taken for what was graded with them.
    """
    ours, shared = Path(autograder.__file__).parent, Path(convcourse.__file__).parent
    files = {f"autograder/{name}": data for name, data in _contents(ours, (ours / name for name in GRADER))}
    # The public tests of an exercise are part of its own tests' hash.
    files |= {
        f"convcourse/{name}": data
        for name, data in _contents(shared, [shared])
        if not name.startswith("public_tests/")
    }
    versions = {name: _version(name) for name in LIBRARIES}
    about = [files, versions, platform.python_version(), platform.machine(), unsafe]
    return submission_hash(json.dumps(about, sort_keys=True).encode())


def _contents(root: Path, places: Iterable[Path]) -> Iterable[tuple[str, str]]:
    """Name below `root` and hash of every file of code or policy in `places`."""
    for place in places:
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.suffix in (".py", ".toml") and path.is_file():
                yield path.relative_to(root).as_posix(), submission_hash(path.read_bytes())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
