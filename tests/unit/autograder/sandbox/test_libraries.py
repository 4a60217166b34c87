"""What a notebook mentions is loaded before its first cell; looking for it takes no time."""

import time
from pathlib import Path

import pytest

import convcourse
from autograder.sandbox import Cell
from autograder.sandbox.libraries import NEED_TORCH, NOT_LOADED, course_modules, mentioned


def test_every_module_of_the_course_that_a_notebook_can_use_is_found():
    on_disk = {path.stem for path in Path(convcourse.__file__).parent.iterdir() if path.suffix in ("", ".py")}
    expected = {name for name in on_disk if name[0].islower()} - {"public_tests"}
    assert set(course_modules()) | set(NOT_LOADED) == expected
    for name in course_modules():
        assert f"convcourse.{name}" in mentioned([Cell(0, f"from convcourse.{name} import anything")])
        assert f"convcourse.{name}" in mentioned([Cell(0, f"from convcourse import checks, {name}")])


def test_a_module_that_imports_torch_has_it_loaded_and_used_before():
    folder = Path(convcourse.__file__).parent
    for name in course_modules():
        path = folder / f"{name}.py"
        if path.is_file() and "\nimport torch\n" in path.read_text(encoding="utf-8"):
            assert name in NEED_TORCH
            loaded = mentioned([Cell(0, f"import convcourse.{name}")])
            assert loaded.index("torch") < loaded.index(f"convcourse.{name}")


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import numpy as np", ["numpy"]),
        ("x = torch.zeros(3)\nfit(x)", ["torch", "torch._dynamo"]),
        ("misfit(numpyx)", []),
        ("import data\n# convcourse", []),
        ("data = convcourse", []),
    ],
)
def test_only_what_is_mentioned_is_loaded(source, modules):
    assert mentioned([Cell(0, source)]) == modules


def test_a_line_that_names_the_course_all_the_time_is_read_once():
    begun = time.process_time()
    mentioned([Cell(0, "# " + "convcourse " * 100_000), Cell(1, "a" * 1_000_000), Cell(2, " " * 1_000_000)])
    assert time.process_time() - begun < 2
