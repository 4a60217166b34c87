"""Nothing that a student made is ever given to a loader that runs code, read from the source itself."""

import ast
from pathlib import Path

import pytest
from source_imports import INSIDE, report, sources, uses

# Loading any of these runs code that the file's author chose.
UNSAFE_LOADERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}

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
