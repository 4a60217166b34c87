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
        f"autograder.{name}" for name in (*STAGES, "pipeline", "cli", "authoring", "verify") if name != stage
    ]
    for path in sources(f"autograder/{stage}"):
        assert not (used := uses(path, *others)), report(path, used)


def test_the_pipeline_is_used_by_the_command_and_verify_alone():
    for path in sources("autograder"):
        if not {"cli", "verify", "pipeline"} & set(path.parts):
            assert not (used := uses(path, "autograder.pipeline", "autograder.cli")), report(path, used)


def test_authoring_knows_the_course_alone():
    forbidden = [
        f"autograder.{name}" for name in (*STAGES, "pipeline", "workers", "cli", "verify", "verdict")
    ]
    for path in sources("autograder/authoring"):
        assert not (used := uses(path, *forbidden)), report(path, used)


@pytest.mark.parametrize(
    ("module", "known"),
    [
        ("verdict", ()),
        ("values", ()),
        ("policy", ("autograder.values",)),
        ("course", ("autograder.policy", "autograder.values")),
    ],
)
def test_course_and_verdict_know_nobody_but_what_they_are_made_of(module, known):
    path = ROOT / "autograder" / f"{module}.py"
    used = [name for name in uses(path, "autograder", "convcourse", "otter") if not name.startswith(known)]
    assert not [name for name in used if name != "autograder"], report(path, used)


def test_a_record_knows_the_verdict_alone():
    path = ROOT / "autograder" / "record.py"
    used = [
        name for name in uses(path, "autograder", "convcourse", "otter") if "autograder.verdict" not in name
    ]
    assert not used, report(path, used)


def test_otter_stays_in_authoring_and_scoring():
    for path in sources("autograder", "convcourse"):
        if not {"authoring", "scoring"} & set(path.relative_to(ROOT).parts):
            assert not (used := uses(path, "otter")), report(path, used)


@pytest.mark.parametrize(
    ("library", "room"),
    [("sqlalchemy", "gradebook"), ("dask", "pipeline"), ("distributed", "pipeline")],
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


def test_a_report_is_used_by_the_command_alone_and_knows_no_stage_and_no_pipeline():
    for path in sources("autograder"):
        if not {"cli", "report"} & set(path.relative_to(ROOT).parts):
            assert not (used := uses(path, "autograder.report")), report(path, used)
    for path in sources("autograder/report"):
        forbidden = ("pipeline", "cli", "authoring", "verify", "sandbox", "scoring")
        assert not (used := uses(path, *(f"autograder.{name}" for name in forbidden))), report(path, used)


# --- nothing that a student made is ever given to a loader that runs code

# What loads a pickle inside, by the end of its dotted name. Each is refused on the grader's side.
PICKLING_CALLS = {
    "torch.load", "torch.jit.load", "torch.package.PackageImporter", "numpy.load", "np.load",
    "pandas.read_pickle", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "onnx.load", "onnx.load_model",
    "onnx.load_external_data_for_model", "marshal.loads", "joblib.load", "sqlalchemy.PickleType",
    "GradingResults.from_file",
}  # fmt: skip
# Their `recv` unpickles; `recv_bytes` and sockets do not.
PICKLING_MODULES = {
    "multiprocessing.connection", "multiprocessing.managers", "multiprocessing.shared_memory",
    "concurrent.futures.process", "xmlrpc", "logging.config",
}  # fmt: skip


def graders_side() -> list[Path]:
    """The grader's own modules: all of `autograder` but what runs inside the sandbox."""
    return [path for path in sources("autograder") if INSIDE not in path.parents]


def calls(source: str) -> set[str]:
    """Every dotted name in a source that is used, with the names that its imports stand for put in."""
    tree = ast.parse(source)
    stands_for = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            stands_for |= {
                alias.asname or alias.name.split(".")[0]: alias.name for alias in node.names if alias.asname
            }
        elif isinstance(node, ast.ImportFrom) and not node.level:
            stands_for |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Attribute, ast.Name)):
            head, _, rest = ast.unparse(node).partition(".")
            found.add(f"{stands_for.get(head, head)}.{rest}".rstrip("."))
    return found


def pickling(source: str) -> set[str]:
    """The names in a source that end in one of `PICKLING_CALLS`."""
    ends = {f".{end}" for end in PICKLING_CALLS}
    used = calls(source)
    return {name for name in used for end in ends if f".{name}".endswith(end)} | used & {"eval", "exec"}


def test_no_loader_that_runs_code_can_be_reached_from_the_graders_side():
    """Read from the source of every module: imports anywhere, names whatever they are called there."""
    for path in graders_side():
        assert not (used := uses(path, *UNSAFE_LOADERS, *PICKLING_MODULES)), report(path, used)
        assert not (found := pickling(path.read_text(encoding="utf-8"))), f"{path}: {sorted(found)}"
        for keyword in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(keyword, ast.keyword):
                assert keyword.arg not in ("allow_pickle", "load_external_data", "weights_only"), path


def test_inside_the_sandbox_nothing_is_unpickled_either():
    for path in sorted(INSIDE.rglob("*.py")):
        assert not (used := uses(path, *UNSAFE_LOADERS)), report(path, used)


def test_the_sandbox_is_answered_through_the_codec_alone():
    """What a student's process sends is read from a socket in one module and decoded by `wire` there."""
    for path in sources("autograder/sandbox"):
        if INSIDE in path.parents:
            continue
        names = {name.rpartition(".")[2] for name in calls(path.read_text(encoding="utf-8"))}
        if names & {"recv", "recv_into", "recvfrom", "recvmsg", "recv_fds"}:
            assert path.name in ("process.py", "forkserver.py") and "wire" in names, path


def test_between_our_own_processes_dask_is_given_functions_of_ours_and_bytes_and_nothing_else():
    """Dask pickles what it moves, the one exception: a job's bytes go out, and only bytes are taken back."""
    users = [path for path in graders_side() if uses(path, "distributed")]
    assert users and all("pipeline" in path.parts for path in users)
    for path in users:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        submits = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("submit", "map", "scatter", "run", "run_on_scheduler", "publish_dataset")
        ]
        for call in submits:
            assert call.func.attr == "submit", ast.unparse(call)
            assert ast.unparse(call.args[1]).endswith(".to_bytes()"), ast.unparse(call)
        if ".result()" in source:
            assert "type(data) is bytes" in source, path
    from autograder.pipeline import cluster

    hints = cluster.grade_here.__annotations__
    assert (hints["job"], hints["return"]) == (bytes, bytes)


@pytest.mark.parametrize(
    "answer", [{"score": 100}, "graded", bytearray(b"x"), None, type("B", (bytes,), {})(b"x")]
)
def test_an_answer_from_the_cluster_that_is_no_bytes_is_a_failure_of_ours_and_never_a_grade(
    answer, monkeypatch
):
    from types import SimpleNamespace

    from autograder.pipeline import cluster

    failed = SimpleNamespace(to_bytes=lambda: b"failed")
    monkeypatch.setattr(cluster, "failed", lambda job, message: failed)
    future = SimpleNamespace(status="finished", result=lambda: answer)
    assert cluster._record(future, None) == b"failed"
    future = SimpleNamespace(status="finished", result=lambda: b"record")
    assert cluster._record(future, None) == b"record"


@pytest.mark.parametrize(
    "source",
    [
        "import torch as t\nt.load('x')",
        "from torch import load\nload('x')",
        "import numpy as np\nnp.load('x')",
        "from numpy import load as read\nread('x')",
        "import onnx\nonnx.load('x')",
        "from otter.test_files import GradingResults\nGradingResults.from_file(f)",
        "import sqlalchemy as sa\ncolumn = sa.PickleType()",
        "run = eval\nrun('1')",
    ],
)
def test_the_look_for_loaders_sees_through_other_names(source):
    assert pickling(source)


def test_the_look_for_loaders_leaves_honest_names_alone():
    assert not pickling(
        "import json, yaml\njson.loads(x); yaml.safe_load(x); model.eval(); onnx.load_model_from_string"
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
