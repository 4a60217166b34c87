"""The site's own shell: a small theme in place of the default one's 3 MB of styles, scripts and icons.

A page loads the style sheets named in STYLES, one script, its fonts, and the widgets it shows. Whatever else
an extension registers is not linked, so no page can start to ask things of another origin unnoticed.
"""

import re
import tomllib
from html import escape
from pathlib import Path

from docutils import nodes
from figures import chapter as chapter_number
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

HERE = Path(__file__).parent
STYLES = ("base", "layout", "prose", "code", "quiz", "widgets", "print")
# Search engines show about this many characters.
DESCRIPTION_CHARACTERS = 160

REDIRECT = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="description" content="{title}">
<meta http-equiv="refresh" content="0; url={target}">
<link rel="icon" href="{up}_static/icon.svg"></head>
<body><h1>{title}</h1><p>This page is <a href="{target}">here</a> now.</p></body></html>
"""


def description(doctree: nodes.document) -> str:
    """The first paragraph that is running text, cut at a word.

    Paragraphs with mathematics are passed over: their LaTeX would be shown raw.
    """
    for paragraph in doctree.findall(nodes.paragraph):
        plain = isinstance(paragraph.parent, (nodes.section, nodes.document)) and not list(
            paragraph.findall(nodes.math)
        )
        text = " ".join(paragraph.astext().split())
        if plain and len(text) > 40:
            if len(text) <= DESCRIPTION_CHARACTERS:
                return text
            return text[: DESCRIPTION_CHARACTERS - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
    return ""


def chapters(app: Sphinx) -> list[dict]:
    """The pages in the order of _toc.yml, each with its number where its name begins with one."""
    root = app.env.config.root_doc
    listed = []
    for docname in app.env.toctree_includes.get(root, []):
        title = app.env.titles[docname].astext()
        listed.append({"docname": docname, "number": chapter_number(docname), "title": title})
    return listed


def boxed_tables(body: str) -> str:
    """Put each table in a box of its own that scrolls, so that a wide one never moves a phone's whole page.

    >>> boxed_tables('<table class="a"></table>')
    '<div class="scroll"><table class="a"></table></div>'
    """
    return re.sub(r"(<table\b)", r'<div class="scroll">\1', body).replace("</table>", "</table></div>")


def plain_roles(body: str) -> str:
    """Give the entries of a bibliography the role of list items: a list may hold nothing else.

    >>> plain_roles('<div role="list"><div role="doc-biblioentry">')
    '<div role="list"><div role="listitem">'
    """
    return body.replace('role="doc-biblioentry"', 'role="listitem"')


def fill_context(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Hand the templates what they need beyond Sphinx's own."""
    with (Path(app.srcdir) / "solutions" / "course.toml").open("rb") as file:
        course = tomllib.load(file)["course"]
    has_own = 'name="description"' in context.get("metatags", "")
    context.update(
        course=course,
        chapters=chapters(app),
        styles=STYLES,
        description="" if has_own else (description(doctree) if doctree else f"Search {course['title']}."),
        page_address=f"{course['site'].rstrip('/')}/{pagename}.html",
    )
    context["chapter_number"] = chapter_number(pagename)
    if "body" in context:
        context["body"] = plain_roles(boxed_tables(context["body"]))


def write_redirects(app: Sphinx, exception: Exception | None) -> None:
    """Old addresses lead to new ones (book/redirects.toml), the front door to the book's first page."""
    if exception or app.builder.name != "html":
        return
    with (Path(app.srcdir) / "book" / "redirects.toml").open("rb") as file:
        moved = tomllib.load(file)
    for old, new in moved.items():
        page = Path(app.outdir) / f"{old}.html"
        if new not in app.env.found_docs or old in app.env.found_docs:
            raise ExtensionError(
                f"book/redirects.toml: {old} cannot lead to {new}: the first must be gone, the second a page"
            )
        up = "../" * old.count("/")
        text = REDIRECT.format(title=escape(app.env.titles[new].astext()), target=f"{up}{new}.html", up=up)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict:
    """Register the theme and what fills it."""
    # Jupyter Book always sets this one, for an extension that is not loaded here.
    app.add_config_value("comments_config", {}, "")
    app.add_html_theme("convcourse", str(HERE / "theme"))
    app.connect("html-page-context", fill_context, priority=900)
    app.connect("build-finished", write_redirects)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
