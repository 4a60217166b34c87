"""Reads the project's own source: which modules a file imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
INSIDE = ROOT / "autograder" / "sandbox" / "inside"


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
