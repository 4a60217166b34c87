"""The Sphinx extensions in book/_ext, without a build."""

import doctest
import importlib
import inspect
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import api
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from mathml import to_mathml
from quiz import split_options
from sphinx.errors import ExtensionError
from widgets import to_script

ROOT = Path(__file__).resolve().parents[2]
MATHML = "{http://www.w3.org/1998/Math/MathML}"


EXTENSIONS = (
    "api",
    "coursemap",
    "exercise",
    "figures",
    "mathml",
    "page_source",
    "quiz",
    "shell",
    "standard",
    "widgets",
    "words",
)


@pytest.mark.parametrize("name", EXTENSIONS)
def test_worked_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def text_of(latex: str, tag: str) -> list[str]:
    return [node.text for node in ET.fromstring(to_mathml(latex, "block")).iter(MATHML + tag)]


def test_floor_brackets_are_operators():
    assert text_of(r"\lfloor x \rfloor", "mo") == ["⌊", "⌋"]


def test_long_numbers_keep_together():
    assert text_of(r"1{,}234{,}567", "mn") == ["1,234,567"]


def test_upright_words_are_one_identifier():
    assert text_of(r"n_{\mathrm{out}}", "mi") == ["n", "out"]


def test_aligned_equations_become_a_table_without_numbers():
    markup = to_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "block")
    assert len(ET.fromstring(markup).findall(f".//{MATHML}mtr")) == 2
    assert "(1)" not in markup


@pytest.mark.parametrize(
    ("latex", "spaces"), [(r"-\log x", 1), (r"2\cos x", 2), (r"\log(x)", 0), (r"\log_2 x", 0)]
)
def test_named_functions_stand_apart_from_their_neighbors(latex, spaces):
    assert to_mathml(latex, "inline").count("<mspace") == spaces


@pytest.mark.parametrize("latex", [r"\begin{bmatrix} a & b", r"\nonsense{x}", "a & b", "x_{"])
def test_a_formula_that_is_not_understood_is_an_error(latex):
    with pytest.raises(ValueError, match="formula"):
        to_mathml(latex, "block")


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        (["- [x] 3 -- Right."], "at least two"),
        (["- [ ] 3 -- No.", "- [ ] 4 -- No."], "exactly one"),
        (["- [x] 3 -- Yes.", "- [x] 4 -- Yes."], "exactly one"),
        (["- [x] 3 -- Yes.", "- [ ] 4"], "lacks its reason"),
    ],
)
def test_quiz_errors_name_the_rule(lines, rule):
    with pytest.raises(ValueError, match=rule):
        split_options(lines)


def test_quiz_may_open_with_other_text():
    before, options = split_options(["Look:", "", "- [x] a -- A.", "- [ ] b -- B."])
    assert before == ["Look:", ""] and len(options) == 2


def test_widget_modules_of_an_unknown_form_are_refused():
    with pytest.raises(ExtensionError, match="does not know"):
        to_script("dot", 'import thing from "./other.js";')


def test_the_page_of_what_can_be_imported_has_every_module_and_its_worked_cases():
    """All that `convcourse` hands on but the drawings of the pages, each function with its signature."""
    import convcourse

    assert {*api.MODULES, "plots"} == set(convcourse.__all__)
    for name in api.MODULES:
        lines = list(api.module_lines(ROOT / "convcourse", name))
        public = [line.removeprefix("### ") for line in lines if line.startswith("### ")]
        module = importlib.import_module(f"convcourse.{name}")
        assert public and [one for one in public if not hasattr(module, one)] == []
        assert [one for one in public if not any(line.startswith(f"{one}(") for line in lines)] == []
        listed = {one: getattr(module, one) for one in getattr(module, "__all__", ())}
        assert {one for one, it in listed.items() if inspect.isclass(it) or inspect.isfunction(it)} <= set(
            public
        )
        assert ("```pycon" in lines) == (">>> " in "\n".join(lines))


def test_kernels_of_pages_start_quietly(monkeypatch):
    """Jupyter finds the course's kernel before the environment's, which warns of TCP at every start."""
    monkeypatch.setenv("JUPYTER_PATH", "/elsewhere")
    importlib.import_module("kernels").setup(None)
    spec = KernelSpecManager().get_kernel_spec("python3")
    assert spec.argv[-1] == "--log-level=ERROR"
    assert os.environ["JUPYTER_PATH"].endswith(os.pathsep + "/elsewhere")
