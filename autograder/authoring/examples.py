"""Example submissions: `examples.md` says which answers of the master an example changes or leaves blank."""

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from autograder.authoring.errors import BuildError
from autograder.authoring.master import MARK

FOLDERS = ("full", "partial", "wrong", "crash", "timeout", "hostile")
HEADING = re.compile(r"^## +(\S+)/(\S+) *$")
FENCE = re.compile(r"^(`{3,}) *(.*?) *$")
ARTIFACTS = re.compile(r"^artifacts: *(.+)$")


@dataclass
class Example:
    """One example submission: `folder` is the verdict it must get, `answers` replace the master's."""

    folder: str
    name: str
    answers: dict[str, str] = field(default_factory=dict)
    blank: list[str] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """How the example is called in a table."""
        return f"{self.folder}/{self.name}"


def parse_examples(text: str, questions: list[str]) -> list[Example]:
    """Read `examples.md`.

    >>> examples = parse_examples("## wrong/q1_zero\\nAlways 0.\\n```python q1\\nn = 0\\n```\\n", ["q1"])
    >>> examples[0].title, examples[0].answers
    ('wrong/q1_zero', {'q1': 'n = 0'})
    """
    examples: list[Example] = []
    lines = iter(text.splitlines())
    for line in lines:
        if heading := HEADING.match(line):
            examples.append(_new_example(heading.group(1), heading.group(2), examples))
        elif line.startswith("## "):
            raise BuildError(f"examples.md: a heading is '## FOLDER/NAME', got {line!r}")
        elif fence := FENCE.match(line):
            body = []
            for inner in lines:
                if inner.strip() == fence.group(1):
                    break
                body.append(inner)
            else:
                raise BuildError(f"examples.md: the block {line!r} is not closed")
            if not examples:
                raise BuildError(f"examples.md: the block {line!r} stands before the first heading")
            _add_block(examples[-1], fence.group(2), "\n".join(body).strip("\n"), questions)
        elif (artifacts := ARTIFACTS.match(line)) and examples:
            examples[-1].artifacts.update(_pairs(artifacts.group(1), examples[-1].title))
    return examples


def _new_example(folder: str, name: str, examples: list[Example]) -> Example:
    if folder not in FOLDERS:
        raise BuildError(
            f"examples.md: {folder!r} is not a folder of examples; there are {', '.join(FOLDERS)}"
        )
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise BuildError(f"examples.md: an example's name is lower case letters, digits and _, got {name!r}")
    if any((example.folder, example.name) == (folder, name) for example in examples):
        raise BuildError(f"examples.md: {folder}/{name} is there twice")
    return Example(folder, name)


def _add_block(example: Example, info: str, body: str, questions: list[str]) -> None:
    language, _, what = info.partition(" ")
    if language != "python" or not what:
        raise BuildError(
            f"examples.md, {example.title}: a block is 'python QUESTION' or 'python blank', got {info!r}"
        )
    if what == "blank":
        names = questions if body.strip() == "all" else [name for name in re.split(r"[,\s]+", body) if name]
        example.blank.extend(names)
    else:
        names = [what]
        example.answers[what] = body
    for name in names:
        if name not in questions:
            raise BuildError(f"examples.md, {example.title}: there is no question {name!r}")


def _pairs(text: str, title: str) -> dict[str, str]:
    pairs = {}
    for item in text.split(","):
        name, equals, path = (part.strip() for part in item.partition("="))
        if not (name and equals and path):
            raise BuildError(
                f"examples.md, {title}: artifacts are 'NAME=path, NAME=path', got {item.strip()!r}"
            )
        pairs[name] = path
    return pairs


def make_notebook(example: Example, solution: NotebookNode, student: NotebookNode) -> NotebookNode:
    """The master's solutions with the example's changes; both views still carry their cells' origins."""
    blank_cells = {cell.metadata[MARK]["index"]: cell for cell in student.cells if cell.metadata.get(MARK)}
    notebook = copy.deepcopy(solution)
    cells, replaced = [], set()
    for cell in notebook.cells:
        origin = cell.metadata.get(MARK) or {}
        question = origin.get("question") if origin.get("solution") else None
        if question in example.answers:
            if cell.cell_type == "code" and question not in replaced:
                cell.source = example.answers[question]
                replaced.add(question)
            elif cell.cell_type == "code":
                cell.source = ""
        elif question in example.blank:
            if origin["index"] not in blank_cells:
                continue
            cell.source = blank_cells[origin["index"]].source
        cells.append(cell)
    notebook.cells = cells
    missing = set(example.answers) - replaced
    if missing:
        raise BuildError(
            f"examples.md, {example.title}: question {sorted(missing)[0]} has no code cell to replace"
        )
    return notebook


def read_artifacts(example: Example, folder: Path, asked: tuple[str, ...]) -> dict[str, bytes]:
    """The files handed in with the notebook; paths are relative to the solution's folder."""
    missing = [name for name in asked if name not in example.artifacts]
    if missing:
        raise BuildError(f"examples.md, {example.title}: add the line 'artifacts: {missing[0]}=path'")
    files = {}
    for name, path in example.artifacts.items():
        file = folder / path
        if not file.is_file():
            raise BuildError(f"examples.md, {example.title}: {path} is not a file of {folder.name}")
        files[name] = file.read_bytes()
    return files
