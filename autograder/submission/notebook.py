"""Reads a notebook's code cells from its JSON: source and tags, nothing else, checked by hand."""

import json
import re
from dataclasses import dataclass
from typing import Any

from autograder.submission.caps import Caps, in_mib
from autograder.submission.errors import Malformed

NAMES_EXERCISE = re.compile(r"""\bExercise\(\s*["']([\w-]{1,64})["']\s*\)""")


@dataclass(frozen=True)
class CodeCell:
    """One code cell: its place among all cells as a person counts them, from 1; its source and its tags."""

    index: int
    source: str
    tags: tuple[str, ...]


def read_notebook(data: bytes, slug: str, caps: Caps) -> tuple[CodeCell, ...]:
    """The code cells of a notebook of the exercise `slug`, in their order."""
    notebook = _parse(data, caps)
    cells = _cells(notebook, caps)
    _check_exercise(notebook, cells, slug)
    return cells


def _parse(data: bytes, caps: Caps) -> dict[str, Any]:
    if not data.strip():
        raise Malformed("the notebook is an empty file; save it in Jupyter and hand it in again")
    if len(data) > caps.notebook_bytes:
        raise Malformed(
            f"the notebook is larger than {in_mib(caps.notebook_bytes)}; clear its outputs and"
            " hand it in again"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(
            f"the notebook is not UTF-8 text (byte {error.start}); open it in Jupyter and save it again"
        ) from None
    if sum(map(text.count, ",[{")) > caps.notebook_marks:
        raise Malformed("the notebook holds too many values; clear its outputs and hand it in again")
    try:
        notebook = json.loads(text)
    except RecursionError:
        raise Malformed("the notebook's JSON is nested too deeply to be a notebook") from None
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "a number too long"
        raise Malformed(f"the file is not a notebook: it is not valid JSON ({where})") from None
    if not isinstance(notebook, dict):
        raise Malformed("the file is JSON, but not a notebook")
    return notebook


def _cells(notebook: dict[str, Any], caps: Caps) -> tuple[CodeCell, ...]:
    version = notebook.get("nbformat")
    if (
        isinstance(version, int)
        and not isinstance(version, bool)
        and version < 4
        and "worksheets" in notebook
    ):
        raise Malformed(
            f"the notebook is in the old format {version}; open it in a current Jupyter and save it, or run"
            " 'jupyter nbconvert --to notebook NAME.ipynb', and hand in the new file"
        )
    if version != 4 or isinstance(version, bool):
        shown = version if isinstance(version, int) else "none"
        raise Malformed(
            f"the notebook's format is {shown}, not 4; open it in a current Jupyter and save it again"
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Malformed("the notebook has no list of cells")
    if len(cells) > caps.cells:
        raise Malformed(f"the notebook has {len(cells)} cells, more than the {caps.cells} allowed")
    result, total = [], 0
    for index, cell in enumerate(cells, start=1):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            raise Malformed(f"cell {index} of the notebook is damaged")
        if cell["cell_type"] != "code":
            continue
        source = _source(cell.get("source"), index)
        total += len(source)
        if total > caps.source_bytes:
            raise Malformed(f"the notebook holds more than {in_mib(caps.source_bytes)} of code")
        result.append(CodeCell(index, source, _tags(cell.get("metadata"), caps)))
    return tuple(result)


def _source(source: Any, index: int) -> str:
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise Malformed(f"cell {index} of the notebook has no source text")
    # A lone surrogate is valid JSON and cannot be sent on as UTF-8.
    return source.encode("utf-8", "replace").decode("utf-8")


def _tags(metadata: Any, caps: Caps) -> tuple[str, ...]:
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    if not isinstance(tags, list):
        return ()
    return tuple(tag for tag in tags[: caps.tags] if isinstance(tag, str) and len(tag) <= 64)


def _check_exercise(notebook: dict[str, Any], cells: tuple[CodeCell, ...], slug: str) -> None:
    """A notebook names its exercise in its metadata or, where a tool dropped that, in its first cells."""
    metadata = notebook.get("metadata")
    course = metadata.get("convcourse") if isinstance(metadata, dict) else None
    named = course.get("exercise") if isinstance(course, dict) else None
    if not isinstance(named, str):
        matches = (NAMES_EXERCISE.search(cell.source) for cell in cells)
        named = next((match.group(1) for match in matches if match), None)
    if named is None:
        raise Malformed(
            f"the notebook does not say which exercise it is; start from exercises/{slug}.ipynb"
            " and hand that in"
        )
    if named != slug:
        raise Malformed(
            f"this is the notebook of {named[:64]!a}, but {slug!r} is being graded; hand it in there"
        )
