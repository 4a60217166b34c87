"""What a notebook finds when it is graded: the grader's packages, and stand-ins for some of Colab's."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

IPYTHON_LINE = re.compile(r"^([ \t]*)[!%].*$", re.MULTILINE)
_POLICY = tomllib.loads(Path(__file__).with_name("environment.toml").read_text(encoding="utf-8"))
INSTALLED: frozenset[str] = frozenset(_POLICY["installed"])
STAND_INS: Mapping[str, str] = _POLICY["stand_ins"]
"""Modules that can be imported and do nothing while grading, each with what to do instead."""


def stand_in_for(module: str) -> str | None:
    """The stand-in that answers for `module`, or None.

    >>> stand_in_for("google.colab.drive"), stand_in_for("google.protobuf"), stand_in_for("torch")
    ('google.colab', None, None)
    """
    parts = module.split(".")
    names = (".".join(parts[: count + 1]) for count in range(len(parts)))
    return next((name for name in names if name in STAND_INS), None)


def missing_modules(sources: Iterable[str]) -> list[str]:
    """Modules that cells import and the grader does not have, in order.

    An import inside a `try` that goes on without it is left out: the cell takes care of it.

    >>> missing_modules(["import numpy, tensorflow.keras", "try: import jax\\nexcept ImportError: pass"])
    ['tensorflow']
    """
    found: dict[str, None] = {}
    for source in sources:
        optional = guarded_imports(source)
        for name in _imports(_tree(source)):
            top = name.partition(".")[0]
            known = top in INSTALLED or top in sys.stdlib_module_names or stand_in_for(name)
            if not known and name not in optional:
                found[top] = None
    return list(found)


def guarded_imports(source: str) -> set[str]:
    """The modules that a cell imports inside a `try` that goes on where they are missing.

    >>> guarded_imports("try:\\n    import google.colab\\nexcept ImportError:\\n    in_colab = False")
    {'google.colab'}
    """
    return {
        name
        for node in ast.walk(_tree(source))
        if isinstance(node, ast.Try) and any(_catches_import_error(handler) for handler in node.handlers)
        for statement in node.body
        for name in _imports(statement)
    }


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    caught = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
    return any(isinstance(name, ast.Name) and name.id in caught for name in names)


def _tree(source: str) -> ast.Module:
    """The cell as Python without IPython's own lines (`!pip ...`, `%time`); empty where it cannot be read."""
    try:
        return ast.parse(IPYTHON_LINE.sub(r"\1pass", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # `from google import colab` names a module as much as `from google.colab import drive` does.
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from [name for name in names if name in STAND_INS] or [node.module]
