"""The `{coursemap}` directive: every chapter with the question it answers and the time it takes.

A line of the directive is `SLUG | TITLE | QUESTION`. Where _toc.yml has a page of that name, the line becomes
a link with the page's own title, its times and its exercise; where it has none, it is marked as planned. So
a chapter that lands needs no change here, and a page that the map forgets is an error.
"""

import json
import math
import re
from html import escape
from pathlib import Path

from docutils import nodes
from exercise import colab_address, read_course
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)

WORDS_PER_MINUTE = 200
MINUTES_PER_QUESTION = 5
ROUND_TO = 5
HIDDEN = re.compile(r"^:?tags:.*(?:hide|remove)-(?:input|cell)", re.MULTILINE)
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1`*$", re.MULTILINE | re.DOTALL)
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
WORD = re.compile(r"[^\W_][\w'’.,-]*")


class CourseMap(nodes.Element):
    """The map; `rows` are (slug, title, question)."""


class CourseMapDirective(SphinxDirective):
    """```` ```{coursemap} ```` with a line for each chapter."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Split the lines; the pages themselves may not have been read yet."""
        rows = [tuple(part.strip() for part in line.split("|")) for line in self.content if line.strip()]
        for row in rows:
            if len(row) != 3 or not all(row):
                raise self.error(f"a line of the map is SLUG | TITLE | QUESTION, not {' | '.join(row)!r}")
            self.env.note_dependency(str(Path(self.env.app.srcdir) / "book" / f"{row[0]}.md"))
        return [CourseMap(rows=rows)]


def words_in_view(source: str) -> int:
    """How many words of a page's source a reader sees: prose, quizzes and shown code, but no hidden cell.

    >>> words_in_view("---\\nkernel: x\\n---\\nTwo words\\n```{code-cell}\\n:tags: [hide-input]\\nx\\n```\\n")
    2
    """
    text = FRONT_MATTER.sub("", source)
    shown = FENCE.sub(lambda fence: "" if HIDDEN.search(fence[0]) else fence[0].split("\n", 1)[1], text)
    return len(WORD.findall(shown))


def rounded(minutes: float) -> int:
    """Up to the next five minutes: the estimate is not finer than that.

    >>> rounded(11.2)
    15
    """
    return ROUND_TO * math.ceil(minutes / ROUND_TO)


def doing_minutes(notebook: str) -> int:
    """An exercise's time: its text at a reader's speed, and five minutes for each question that is checked.

    >>> doing_minutes('{"cells": [{"cell_type": "code", "source": ["grader.check(\\\\"q1\\\\")"]}]}')
    5
    """
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(notebook)["cells"]]
    words = sum(len(WORD.findall(text)) for kind, text in cells if kind == "markdown")
    questions = sum(text.count("grader.check(") for kind, text in cells if kind == "code")
    return rounded(words / WORDS_PER_MINUTE + MINUTES_PER_QUESTION * questions)


def visit_coursemap(translator, node: CourseMap) -> None:
    """Write the list."""
    app = translator.builder.app
    root, course = Path(app.srcdir), read_course(app)
    here = translator.builder.current_docname
    up = "../" * here.count("/")
    listed = app.env.toctree_includes.get(app.env.config.root_doc, [])
    exercises = {row["slug"] for row in course["exercise"]}
    body = ['<ol class="map">\n']
    for slug, title, question in node["rows"]:
        number = str(int(slug[:2])) if slug[:2].isdigit() else ""
        docname = f"book/{slug}"
        body.append(f'<li><span class="map-number" aria-hidden="true">{number}</span><div>')
        if docname in listed:
            title = app.env.titles[docname].astext()
            address = translator.builder.get_relative_uri(here, docname)
            reading = words_in_view((root / "book" / f"{slug}.md").read_text(encoding="utf-8"))
            facts = [f"{rounded(reading / WORDS_PER_MINUTE)} min to read"]
            notebook = root / "exercises" / f"{slug}.ipynb"
            if slug in exercises and notebook.exists():
                facts.append(f"{doing_minutes(notebook.read_text(encoding='utf-8'))} min to do")
                which = f'<span class="visually-hidden"> of exercise {number}</span>'
                facts.append(f'<a href="{up}exercises/{slug}.ipynb" download>notebook{which}</a>')
                facts.append(f'<a href="{colab_address(course, slug)}" rel="noopener">Colab{which}</a>')
            body.append(f'<a class="map-title" href="{escape(address)}">{escape(title)}</a>')
        else:
            facts = ["planned"]
            body.append(f'<span class="map-title">{escape(title)}</span>')
        joined = " · ".join(facts)
        body.append(f' <span class="map-facts">{joined}</span><br>{escape(question)}</div></li>\n')
    translator.body.append("".join(body) + "</ol>\n")
    numbered = {name.rsplit("/", 1)[-1] for name in listed if re.match(r"\d\d_", name.rsplit("/", 1)[-1])}
    for slug in sorted(numbered - {row[0] for row in node["rows"]}):
        log.warning("the map of %s lacks the chapter %s", here, slug)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_directive("coursemap", CourseMapDirective)
    app.add_node(CourseMap, html=(visit_coursemap, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
