"""Reads the hidden tests' source for the instructor: as text, nothing of it is run."""

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CaseSource:
    """One test case as its author wrote it."""

    name: str
    hidden: bool
    hint: str
    source: str


def read_sources(folder: Path) -> dict[str, tuple[CaseSource, ...]]:
    """The cases of every question (`q1.py`, ...) in `folder`, in their order.

    Raises `OSError` or `SyntaxError` where a file cannot be read as Python.
    """
    return {
        path.stem: cases_of(path.read_text(encoding="utf-8"), path.name)
        for path in sorted(folder.glob("*.py"))
    }


def cases_of(text: str, filename: str = "tests") -> tuple[CaseSource, ...]:
    """The functions that are decorated as test cases.

    >>> text = "@test_case(hidden=True, failure_message='Look again.')\\ndef test_a(x): pass"
    >>> (case,) = cases_of(text)
    >>> case.name, case.hidden, case.hint
    ('test_a', True, 'Look again.')
    """
    lines = text.splitlines()
    cases = []
    for node in ast.parse(text, filename).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "test_case":
                given = {word.arg: _constant(word.value) for word in decorator.keywords}
                first = min(one.lineno for one in node.decorator_list)
                source = "\n".join(lines[first - 1 : node.end_lineno])
                hidden = bool(given.get("hidden", False))
                cases.append(CaseSource(node.name, hidden, str(given.get("failure_message") or ""), source))
    return tuple(cases)


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None
