"""Reads a master: a MyST text notebook with otter assign's markup, checked before otter sees it."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import yaml
from nbformat import NotebookNode

from autograder.authoring.errors import BuildError

# Where a cell of the master came from travels through otter assign in the cell's own metadata under this key.
MARK = "convcourse_origin"

BOUNDARY = re.compile(r"#\s+(begin|end)\s+(question|prompt|solution|tests)\b", re.IGNORECASE)
CONFIG = re.compile(r"#\s+assignment\s+config\b", re.IGNORECASE)
TEST_CONFIG = re.compile(
    r'^""?"?\s*#\s*BEGIN TEST CONFIG\n(.*?)\n"?""\s*#\s*END TEST CONFIG\n(.*)$', re.DOTALL
)
HEADING = re.compile(r"^## Question (\d+): (.+?) *(?:\([\d.]+ points?\))?$", re.MULTILINE)
UNSAFE_IN_MESSAGE = re.compile(r'["\\\n]')


@dataclass(frozen=True)
class Master:
    """A master as a notebook whose cells carry their origin: index, question, whether a solution."""

    notebook: NotebookNode
    questions: dict[str, float]
    """Points of each question, in the order of the notebook."""
    titles: dict[str, str]
    """The heading of each question that has one: `## Question 2: the size of one axis (4 points)`."""


def read_master(path: Path, requirements: list[str], addresses: Mapping[str, str]) -> Master:
    """Read the text notebook at `path`; `requirements` go into otter's autograder.zip.

    `addresses` says what `{{ site }}` and the like are replaced by, so that a fork changes course.toml alone.
    """
    if not path.is_file():
        raise BuildError(f"{path} is missing; write the master of the exercise there")
    text = path.read_text(encoding="utf-8")
    for name, address in addresses.items():
        text = text.replace(f"{{{{ {name} }}}}", address)
    notebook = jupytext.reads(text, fmt="md:myst")
    questions = _mark_cells(notebook, path)
    if not questions:
        raise BuildError(f"{path} has no question; begin one with a raw cell '# BEGIN QUESTION'")
    _complete_config(notebook, path, requirements)
    titles = {f"q{number}": title for number, title in HEADING.findall(text)}
    return Master(notebook, questions, {name: titles[name] for name in questions if name in titles})


def _mark_cells(notebook: NotebookNode, path: Path) -> dict[str, float]:
    """Give each cell its origin and return the questions with their points."""
    questions: dict[str, float] = {}
    question: str | None = None
    block: str | None = None
    for index, cell in enumerate(notebook.cells):
        where = f"{path.name}, cell {index + 1}"
        boundary = BOUNDARY.match(cell.source) if cell.cell_type == "raw" else None
        if boundary:
            edge, kind = boundary.group(1).lower(), boundary.group(2).lower()
            if kind == "question":
                question = _question_name(cell.source, questions, where) if edge == "begin" else None
            else:
                block = kind if edge == "begin" else None
            continue
        if block == "tests":
            _check_test_cell(cell.source, f"{where}, question {question}")
            continue
        cell.metadata[MARK] = {"index": index, "question": question, "solution": block == "solution"}
    return questions


def _question_name(source: str, questions: dict[str, float], where: str) -> str:
    config = _yaml(source, where)
    name, points = config.get("name"), config.get("points")
    if not isinstance(name, str) or not re.fullmatch(r"q[1-9][0-9]*", name):
        raise BuildError(f"{where}: a question is named q1, q2, ...; got {name!r}")
    if name in questions:
        raise BuildError(f"{where}: two questions are called {name}")
    if isinstance(points, bool) or not isinstance(points, (int, float)) or points <= 0:
        raise BuildError(f"{where}: question {name} needs 'points' above 0, got {points!r}")
    questions[name] = float(points)
    return name


def _check_test_cell(source: str, where: str) -> None:
    """A test cell is a config string and one function; a hidden one carries a hint that otter can quote."""
    match = TEST_CONFIG.match(source.strip() + "\n")
    if not match:
        raise BuildError(
            f'{where}: a test cell begins with \'""" # BEGIN TEST CONFIG\', its settings and'
            ' \'""" # END TEST CONFIG\', then one function'
        )
    config = _yaml(match.group(1), where)
    unknown = sorted(set(config) - {"points", "hidden", "failure_message", "success_message"})
    if unknown:
        raise BuildError(f"{where}: unknown test setting {unknown[0]!r}")
    for key in ("failure_message", "success_message"):
        message = config.get(key)
        if message is not None and (not isinstance(message, str) or UNSAFE_IN_MESSAGE.search(message)):
            raise BuildError(f"{where}: {key} must be one line without double quotes and backslashes")
    if config.get("hidden") and not config.get("failure_message"):
        raise BuildError(
            f"{where}: a hidden test needs a failure_message, the only thing a student sees of it"
        )
    try:
        body = ast.parse(match.group(2)).body
    except SyntaxError as error:
        raise BuildError(f"{where}: the test is not valid Python: {error}") from None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise BuildError(f"{where}: a test cell holds exactly one function (imports go inside it)")
    if not config.get("hidden"):
        _check_public_assertions(body[0], where)


def _check_public_assertions(function: ast.FunctionDef, where: str) -> None:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and node.msg is None:
            raise BuildError(
                f"{where}, {function.name}: a public test's assert (line {node.lineno}) needs a"
                " message that says"
                " what is wrong, without the answer"
            )


def _complete_config(notebook: NotebookNode, path: Path, requirements: list[str]) -> None:
    """The course decides how otter writes tests; a master may only add to it."""
    fixed: dict[str, Any] = {
        "init_cell": False,
        "check_all_cell": False,
        "export_cell": False,
        "generate": True,
        "run_tests": False,
        "tests": {"files": True, "ok_format": False},
    }
    for cell in notebook.cells:
        if cell.cell_type == "raw" and CONFIG.match(cell.source):
            config = {**_yaml(cell.source, path.name), **fixed}
            config.setdefault("requirements", requirements)
            cell.source = "# ASSIGNMENT CONFIG\n" + yaml.safe_dump(config, sort_keys=True)
            return
    raise BuildError(f"{path.name}: there is no raw cell '# ASSIGNMENT CONFIG'")


def _yaml(text: str, where: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildError(
            f"{where}: not valid YAML ({str(error).splitlines()[0]}); quote a value with a colon"
        ) from None
    if config is None:
        return {}
    if not isinstance(config, dict):
        raise BuildError(f"{where}: expected 'key: value' lines, got {text!r}")
    return config
