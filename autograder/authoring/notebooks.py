"""Notebooks that are the same bytes whenever they are made from the same master."""

import copy
from collections import Counter

import nbformat
from nbformat import NotebookNode

from autograder.authoring.master import MARK

VERSION = 1
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def finish(notebook: NotebookNode, slug: str) -> NotebookNode:
    """A clean copy: stable cell ids, no outputs, only the metadata that the course needs."""
    notebook = copy.deepcopy(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode(
        convcourse={
            "exercise": slug,
            "generated": f"by autograder build from solutions/{slug}",
            "version": VERSION,
        },
        kernelspec=KERNEL,
        language_info={"name": "python"},
    )
    seen: Counter[str] = Counter()
    question = "intro"
    for cell in notebook.cells:
        question = (cell.metadata.get(MARK) or {"question": question})["question"] or "text"
        seen[question] += 1
        cell["id"] = f"{question}-{seen[question]}"
        cell.source = "".join(cell.source)
        cell.metadata = _metadata(cell)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.pop("attachments", None)
    return notebook


def _metadata(cell: NotebookNode) -> NotebookNode:
    """Keep tags and locks; otter's own tags become one that a reader understands."""
    kept = NotebookNode(
        {key: cell.metadata[key] for key in ("deletable", "editable") if key in cell.metadata}
    )
    tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("otter_")]
    if "otter_answer_cell" in cell.metadata.get("tags", []):
        tags.append("answer")
    if tags:
        kept["tags"] = tags
    return kept


def to_bytes(notebook: NotebookNode) -> bytes:
    """The notebook as it is written to disk, checked against Jupyter's schema."""
    nbformat.validate(notebook)
    return (nbformat.writes(notebook, indent=1, sort_keys=True).rstrip("\n") + "\n").encode()
