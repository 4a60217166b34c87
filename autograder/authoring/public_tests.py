"""The public tests as they ship with convcourse: otter's files without hidden cases and otter itself."""

import ast

from autograder.authoring.errors import BuildError

OTTER_IMPORT = "from otter.test_files import test_case\n"
OWN_IMPORT = "from convcourse.checks import test_case\n"


def rewrite(name: str, source: str) -> str:
    """Let a public test file import from convcourse, so that a student needs no grader.

    >>> print(rewrite("q1.py", "from otter.test_files import test_case\\nname = 'q1'\\n"))
    from convcourse.checks import test_case
    name = 'q1'
    <BLANKLINE>
    """
    if source.count(OTTER_IMPORT) != 1:
        raise BuildError(f"{name}: expected one line {OTTER_IMPORT.strip()!r} in otter's test file")
    source = source.replace(OTTER_IMPORT, OWN_IMPORT)
    source = "\n".join(line.rstrip() for line in source.splitlines()).rstrip("\n") + "\n"
    check_public(name, source)
    return source


def check_public(name: str, source: str) -> None:
    """Refuse a public test file that holds a hidden case or reaches for the grader."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "hidden" and not _is_false(node.value):
            raise BuildError(f"{name}: a hidden test case reached the public tests")
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("otter", "autograder"):
            raise BuildError(f"{name}: a public test imports {node.module}, which a student does not have")


def count_cases(source: str) -> int:
    """How many test cases a test file holds."""
    return sum(isinstance(node, ast.FunctionDef) for node in ast.parse(source).body)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
