"""What the search looks through: every section of every page, as a script that works from a file too."""

import json
from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

# Not running text: what a cell runs and prints, and what only addresses something.
LEFT_OUT = (nodes.raw, nodes.literal_block, nodes.comment, nodes.target, nodes.section)


def texts(node: nodes.Element) -> Iterator[str]:
    """The running text below a node, without that of the sections in it."""
    for child in node.children:
        if isinstance(child, nodes.Text):
            yield child.astext()
        elif not isinstance(child, (*LEFT_OUT, nodes.title)):
            yield from texts(child)
            if not isinstance(child, nodes.Inline):
                yield " "


def sections(doctree: nodes.document) -> Iterator[tuple[str, str, str]]:
    """Title, anchor and running text of each section of a page."""
    for section in doctree.findall(nodes.section):
        title = next(section.findall(nodes.title)).astext()
        yield title, section["ids"][0], " ".join("".join(texts(section)).split())


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write the sections of the pages that the table of contents lists, in its order."""
    if exception or app.builder.name != "html":
        return
    root = app.config.root_doc
    rows = [
        [app.env.titles[docname].astext(), f"{docname}.html", *section]
        for docname in [root, *app.env.toctree_includes.get(root, [])]
        for section in sections(app.env.get_and_resolve_doctree(docname, app.builder))
    ]
    packed = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    target = Path(app.outdir) / "_static" / "sections.js"
    target.write_text(f"window.convcourseSections = {packed};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Write the index when the pages are there."""
    app.connect("build-finished", write_index)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
