"""No hidden test and no solution may reach what a student or a reader sees."""

import ast
import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.authoring import Rendered
from autograder.course import CourseExercise
from autograder.verify.findings import Finding

# Shorter lines, such as 'return total', say nothing about where they come from.
TELLING = 25
# The site shows a lot of code that is not secret, so only a test's own long lines are looked for there.
TELLING_ON_SITE = 40
TAG = re.compile(r"<[^>]*>")
SPACE = re.compile(r"\s+")


def check_leaks(exercise: CourseExercise, rendered: Rendered) -> list[Finding]:
    """Look for lines of hidden tests and solutions in the student's files, and of tests on the site."""
    notebook = rendered.committed[exercise.notebook].decode()
    tests = "\n".join(
        data.decode()
        for path, data in rendered.committed.items()
        if path.is_relative_to(exercise.root / "convcourse")
    )
    bundled = {
        path.name: data.decode() for path, data in rendered.bundle.items() if path.suffix in (".py", ".ipynb")
    }
    hidden = set(_hidden_lines(source for name, source in bundled.items() if name.endswith(".py")))
    hidden -= {_squeeze(line) for line in tests.splitlines()}
    answers = _code_lines(bundled["solution.ipynb"]) - _code_lines(notebook)

    shown = {_squeeze(line) for line in [*_all_lines(notebook), *tests.splitlines()]}
    return [
        _finding(exercise, "no hidden test in the student's files", _telling(hidden, TELLING) & shown),
        _finding(exercise, "no solution in the student's files", _telling(answers, TELLING) & shown),
        _finding(
            exercise, "no hidden test on the site", _on_site(exercise, _telling(hidden, TELLING_ON_SITE))
        ),
    ]


def _finding(exercise: CourseExercise, check: str, leaked: Iterable[str]) -> Finding:
    lines = sorted(leaked)
    return Finding(
        exercise.slug, check, not lines, f"{len(lines)} lines, for example {lines[0]!r}" if lines else ""
    )


def _telling(lines: set[str], least: int) -> set[str]:
    return {line for line in lines if len(line) >= least}


def _hidden_lines(sources: Iterable[str]) -> Iterator[str]:
    """The lines of every hidden test function, without its imports."""
    for source in sources:
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef) and "hidden=True" in ast.unparse(node.decorator_list[0]):
                for line in ast.unparse(ast.Module(node.body, [])).splitlines():
                    if not line.strip().startswith(("import ", "from ")):
                        yield _squeeze(line)


def _code_lines(notebook: str) -> set[str]:
    cells = json.loads(notebook)["cells"]
    lines = (
        line for cell in cells if cell["cell_type"] == "code" for line in "".join(cell["source"]).splitlines()
    )
    # A solution's line carries otter's mark in the master only.
    return {_squeeze(re.sub(r"# ?(BEGIN |END )?SOLUTION.*$", "", line)) for line in lines}


def _all_lines(notebook: str) -> list[str]:
    return [line for cell in json.loads(notebook)["cells"] for line in "".join(cell["source"]).splitlines()]


def _on_site(exercise: CourseExercise, lines: set[str]) -> set[str]:
    leaked: set[str] = set()
    site = exercise.root / "_build" / "html"
    for path in sorted(site.rglob("*")):
        if path.is_file() and path.suffix in (".html", ".js", ".md", ".ipynb", ".py", ".txt", ".json"):
            leaked |= _found_in(path, lines)
    return leaked


def _found_in(path: Path, lines: set[str]) -> set[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".html":
        text = html.unescape(TAG.sub("", text))
    text = _squeeze(text.replace("\\n", " ").replace('\\"', '"'))
    return {line for line in lines if line in text}


def _squeeze(text: str) -> str:
    """Text without any white space, so that layout and highlighting make no difference."""
    return SPACE.sub("", text)
