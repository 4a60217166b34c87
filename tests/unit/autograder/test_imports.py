"""Who may use whom, read from the source itself: the order of the rooms is held by this test alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
STAGES = ("submission", "sandbox", "scoring", "gradebook", "feedback")
INSIDE = ROOT / "autograder" / "sandbox" / "inside"
# Loading any of these runs code that the file's author chose.
UNSAFE_LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def sources(*folders: str) -> list[Path]:
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert paths, f"nothing to read below {folders}"
    return paths


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it, as an absolute name."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if (
                name in ("import_module", "__import__")
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value)


def uses(path: Path, *modules: str) -> list[str]:
    return sorted(
        {name for name in imports(path) for module in modules if f"{name}.".startswith(f"{module}.")}
    )


def report(path: Path, used: list[str]) -> str:
    return f"{path.relative_to(ROOT)} imports {', '.join(used)}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_no_other_stage_and_nothing_above_it(stage):
    others = [
        f"autograder.{name}"
        for name in (*STAGES, "pipeline", "workers", "cli", "build", "verify")
        if name != stage
    ]
    for path in sources(f"autograder/{stage}"):
        assert not (used := uses(path, *others)), report(path, used)


def test_the_pipeline_is_used_by_the_command_and_verify_alone():
    for path in sources("autograder"):
        if path.name != "cli.py" and "verify" not in path.parts:
            assert not (used := uses(path, "autograder.pipeline", "autograder.cli")), report(path, used)


def test_build_knows_the_course_alone():
    forbidden = [
        f"autograder.{name}" for name in (*STAGES, "pipeline", "workers", "cli", "verify", "verdict")
    ]
    for path in sources("autograder/build"):
        assert not (used := uses(path, *forbidden)), report(path, used)


@pytest.mark.parametrize("module", ["course", "verdict"])
def test_course_and_verdict_know_nobody(module):
    path = ROOT / "autograder" / f"{module}.py"
    assert not (used := uses(path, "autograder", "convcourse", "otter")), report(path, used)


def test_otter_stays_in_build_and_scoring():
    for path in sources("autograder", "convcourse"):
        if not {"build", "scoring"} & set(path.relative_to(ROOT).parts):
            assert not (used := uses(path, "otter")), report(path, used)


@pytest.mark.parametrize(
    ("library", "room"),
    [("sqlalchemy", "gradebook"), ("dask", "pipeline.py"), ("distributed", "pipeline.py")],
)
def test_a_library_stays_in_its_room(library, room):
    for path in sources("autograder"):
        if room not in path.relative_to(ROOT).parts:
            assert not (used := uses(path, library)), report(path, used)


def test_what_students_import_knows_neither_the_grader_nor_the_solutions():
    for path in sources("convcourse"):
        assert not (used := uses(path, "autograder", "solutions")), report(path, used)


def test_what_runs_inside_the_sandbox_knows_nothing_of_the_grader():
    """The folder is mounted alone, so its modules call one another without the package's name."""
    for path in sorted(INSIDE.rglob("*.py")):
        used = [name for name in uses(path, "autograder") if not name.startswith("autograder.sandbox.inside")]
        assert not used, report(path, used)


def test_no_loader_that_runs_code_is_used_on_the_graders_side():
    for path in sources("autograder"):
        assert not (used := uses(path, *UNSAFE_LOADERS)), report(path, used)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                call = f"{node.value.id}.{node.attr}"
                assert call not in ("torch.load", "numpy.load", "np.load", "pandas.read_pickle"), (
                    f"{path}: {call}"
                )


def test_this_test_sees_what_it_looks_for(tmp_path):
    path = ROOT / "autograder" / "scoring" / "imagined.py"

    class Imagined(type(path)):
        def read_text(self, *args, **kwargs):
            lines = [
                "from ..sandbox.session import Cell",
                "from autograder import sandbox, feedback",
                "import pickle",
            ]
            return "def f():\n    " + "\n    ".join(lines)

    assert uses(Imagined(path), "autograder.sandbox", "autograder.feedback", "pickle") == [
        "autograder.feedback",
        "autograder.sandbox",
        "autograder.sandbox.session",
        "autograder.sandbox.session.Cell",
        "pickle",
    ]
