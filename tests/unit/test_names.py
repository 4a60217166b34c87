"""One name for one thing: no two public classes or type aliases of the project are called the same."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("autograder", "convcourse", "solutions/training", "tools")
ALIAS = re.compile(r"[A-Z][a-z]\w*")

# Names that two things bear, each with the reason. Empty is best.
SHARED: dict[str, str] = {}


def names_in(source):
    """The public classes and type aliases at the top of a module."""
    for node in ast.parse(source).body:
        match node:
            case ast.ClassDef(name=name) if not name.startswith("_"):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if ALIAS.fullmatch(name):
                if isinstance(value, ast.Subscript | ast.BinOp):  # tuple[int, int], int | None
                    yield name
            case ast.AnnAssign(target=ast.Name(id=name), annotation=ast.Name(id="TypeAlias")):
                yield name


def places():
    found: dict[str, list[str]] = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "public_tests" not in path.parts:
                for name in names_in(path.read_text(encoding="utf-8")):
                    found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


def test_a_name_is_one_class():
    found = places()
    assert len(found) > 150
    assert {name: where for name, where in found.items() if len(where) > 1 and name not in SHARED} == {}
    assert {name for name in SHARED if len(found.get(name, [])) < 2} == set(), "an exception for nothing"


@pytest.mark.parametrize("source", ["class Pair: ...", "Pair = tuple[int, int]", "Pair: TypeAlias = int"])
def test_classes_and_aliases_are_seen(source):
    assert list(names_in(source)) == ["Pair"]
