"""Figures with a number and a caption, their code folded away below; equations and tables numbered alike.

A cell's `mystnb: figure:` gives its drawing a name and a caption (myst-nb does that), and Sphinx counts.
What is added here: the number begins with the chapter's, "Figure 3.4"; where a page has not yet written
a caption of its own, the description for those who cannot see takes its place; and the line "Show the
code" follows the caption, in the order of the page as well, under a name that says which figure's code
it shows.
"""

import re
from collections import Counter
from html import escape, unescape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

CHAPTER = re.compile(r"^(\d\d)([a-z]?)_")
DRAWN = re.compile(r'class="cc-(?:figure|widget)"')
DESCRIBED = re.compile(r'aria-label="([^"]*)"')


def chapter(docname: str) -> str:
    """The chapter's number as readers see it, "" for a page that has none.

    >>> chapter("book/08b_more_on_norms"), chapter("book/index")
    ('8b', '')
    """
    match = CHAPTER.match(docname.rsplit("/", 1)[-1])
    return f"{int(match[1])}{match[2]}" if match else ""


def drawings(document: nodes.document) -> list[tuple[nodes.Element, str]]:
    """Each drawing or widget that a cell displays, with its description."""
    found = []
    for bundle in document.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        markup = next((raw.astext() for raw in bundle.findall(nodes.raw) if DRAWN.search(raw.astext())), None)
        if markup is not None:
            found.append((bundle, unescape(DESCRIBED.search(markup)[1])))
    return found


class PromoteDescriptions(SphinxTransform):
    """A drawing without a caption gets its description as one, and with it a number."""

    default_priority = 400  # before the labels are collected

    def apply(self, **kwargs: object) -> None:
        """Wrap what stands alone."""
        for place, (bundle, description) in enumerate(drawings(self.document), start=1):
            if isinstance(bundle.parent, nodes.figure):
                continue
            figure = nodes.figure(ids=[f"figure-{place}"], classes=["promoted"])
            bundle.replace_self(figure)
            figure += [bundle, nodes.caption(description, description)]


class FoldBelow(SphinxPostTransform):
    """The line that shows a figure's code comes after the figure, and is named for it."""

    default_priority = 250  # after myst-nb has folded the code
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Move each fold."""
        numbers = self.env.toc_fignumbers.get(self.env.docname, {}).get("figure", {})
        for fold in list(self.document.findall(HideCodeCellNode)):
            cell = fold.parent
            figure = next(iter(cell.findall(nodes.figure)), None)
            if figure is None or cell.index(fold) != 0:
                continue
            number = numbers.get(next(iter(figure["ids"]), ""), ())
            fold["of"] = f" of figure {'.'.join(map(str, number))}" if number else ""
            cell.remove(fold)
            cell += fold


def number_by_chapter(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Count figures, tables and equations anew in each chapter."""
    count: Counter[tuple[str, str]] = Counter()
    changed = []
    for docname, kinds in env.toc_fignumbers.items():
        own = chapter(docname)
        for kind, numbers in kinds.items():
            for identity in numbers:
                count[own, kind] += 1
                numbers[identity] = (own, count[own, kind]) if own else (count[own, kind],)
        changed.append(docname)
    return changed


def visit_fold(translator, node: HideCodeCellNode) -> None:
    """A `<details>`; its summary says whose code it shows to those who hear the page link by link."""
    of = f'<span class="visually-hidden">{escape(node["of"])}</span>' if node.get("of") else ""
    translator.body.append(f'<details class="hide {" ".join(node["classes"])}"><summary>')
    for state in ("collapsed", "expanded"):
        prompt = escape(node["prompt_show" if state == "collapsed" else "prompt_hide"])
        translator.body.append(f'<span class="{state}">{prompt}{of}</span>')
    translator.body.append("</summary>\n")


def depart_fold(translator, node: HideCodeCellNode) -> None:
    """The end of the fold."""
    translator.body.append("</details>\n")


def setup(app: Sphinx) -> dict:
    """Register all of it."""
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_fold))
    app.add_transform(PromoteDescriptions)
    app.add_post_transform(FoldBelow)
    app.connect("env-get-updated", number_by_chapter, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
