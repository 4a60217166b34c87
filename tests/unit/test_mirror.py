"""The tests' tree is the source's tree: who opens a module knows where its tests are, and vice versa."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# tests -> what they test. A file test_NAME.py tests the module or package NAME (or _NAME) in the same place.
MIRRORS = {
    "tests/unit/autograder": "autograder",
    "tests/unit/convcourse": "convcourse",
    "tests/unit/training": "solutions/training",
}

# Tests of no single module, each with what it is about.
EXCEPTIONS = {
    "tests/unit/autograder/test_imports.py": "every module: who imports whom",
    "tests/unit/autograder/test_no_pickle.py": "every module: no loader that runs code",
    "tests/unit/autograder/sandbox/inside/test_wire_fuzz.py": "wire and results; benchmarks run it too",
    "tests/unit/training/test_baselines.py": "the networks that others are compared with",
    "tests/unit/training/test_scripts.py": "every script: its docstring, its recipe, its goal",
}


def files_of(folder):
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("test_*.py"))


def mirrored(test, root=ROOT):
    """Whether what a test is named after exists."""
    (folder,) = (one for one in MIRRORS if test.startswith(f"{one}/"))
    path = root / MIRRORS[folder] / test.removeprefix(f"{folder}/")
    name = path.stem.removeprefix("test_")
    modules = [path.with_name(f"{start}{name}.py") for start in ("", "_")]
    return any(one.is_file() for one in modules) or (path.with_name(name) / "__init__.py").is_file()


@pytest.mark.parametrize("folder", MIRRORS)
def test_a_test_is_where_its_module_is(folder):
    tests = files_of(folder)
    assert len(tests) > 10
    assert [test for test in tests if not mirrored(test) and test not in EXCEPTIONS] == []


def test_no_exception_is_for_nothing():
    tests = {test for folder in MIRRORS for test in files_of(folder)}
    assert [test for test in EXCEPTIONS if test not in tests or mirrored(test)] == []


@pytest.mark.parametrize("test", ["tests/unit/autograder/test_wire.py", "tests/unit/convcourse/test_loop.py"])
def test_a_test_in_the_wrong_folder_is_seen(test):
    assert not mirrored(test)
