"""Code is read as well: comments, docstrings, messages and documents use the words of the pages."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
from words import strays  # noqa: E402  (found only now)

FOLDERS = ("autograder", "benchmarks", "book", "convcourse", "solutions/training", "tests", "tools")
DOCUMENTS = (":(glob)*.md", "book/README.md", ":(glob)solutions/training/*.md")
WITH_COMMENTS = ("Makefile", ".ci/run", "*.sh", "*.toml", "*.yml")

# Files that hold such words on purpose, each with the reason.
ON_PURPOSE = {
    "book/_ext/words.py": "the list itself",
    "tests/site/test_extensions.py": "sets such a formula, to see it set",
    "tests/site/test_standard.py": "plants them",
    "tests/unit/test_prose.py": "plants them",
}
GENERATED = ("convcourse/public_tests/", "solutions/training/runs/")


def tracked(*patterns):
    command = ["git", "ls-files", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert listed.stdout, f"nothing to read in {patterns}"
    names = listed.stdout.splitlines()
    return [name for name in names if name not in ON_PURPOSE and not name.startswith(GENERATED)]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def comments(source):
    """(line, text) of each comment; those in lines that follow one another are one text."""
    blocks: list[tuple[int, list[str]]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            text = token.string.lstrip("# ")
            if blocks and blocks[-1][0] + len(blocks[-1][1]) == token.start[0]:
                blocks[-1][1].append(text)
            else:
                blocks.append((token.start[0], [text]))
    return [(line, " ".join(texts)) for line, texts in blocks]


def strings(source):
    """(line, text) of each string, docstrings among them; of an f-string the parts between its braces."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, " ".join(node.value.split())


def found(texts):
    return [f"line {line}: {stray}" for line, text in texts for stray in strays(text)]


def in_code(source):
    return found([*comments(source), *strings(source)])


@pytest.mark.parametrize("folder", FOLDERS)
def test_comments_docstrings_and_messages_use_the_courses_words(folder):
    wrong = {name: here for name in tracked(f"{folder}/*.py") if (here := in_code(read(name)))}
    assert wrong == {}


@pytest.mark.parametrize("pattern", [*DOCUMENTS, *WITH_COMMENTS])
def test_documents_and_settings_use_the_courses_words(pattern):
    lines = {name: list(enumerate(read(name).splitlines(), 1)) for name in tracked(pattern)}
    assert {name: here for name, texts in lines.items() if (here := found(texts))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "# this is no\n# function\n",
        "def f():\n    '''It lies beside\n    the file.'''\n",
        "raise ValueError(f'{path}: mend it')\n",
    ],
)
def test_a_stray_is_seen_in_code(source):
    assert in_code(source)
