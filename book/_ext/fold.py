"""The `{fold}` directive: a long calculation that a reader opens when they want to check it.

The argument is what is inside, as a title; the content is any markup. Nothing in a fold may be needed
for what follows.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator


class Fold(nodes.Element):
    """The whole, closed at first: a FoldTitle and what it hides."""


class FoldTitle(nodes.TextElement):
    """What is inside."""


class FoldDirective(SphinxDirective):
    """`:::{fold} The count, layer by layer`, then the content."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Parse the title as inline markup and the content as blocks."""
        self.assert_has_content()
        inline, messages = self.state.inline_text(self.arguments[0], self.lineno)
        fold = Fold("", FoldTitle("", "", *inline))
        self.set_source_info(fold)
        self.state.nested_parse(self.content, self.content_offset, fold)
        return [fold, *messages]


def visit_fold(translator: HTML5Translator, node: Fold) -> None:
    """A `<details>`, which needs no script."""
    translator.body.append('<details class="fold">')


def depart_fold(translator: HTML5Translator, node: Fold) -> None:
    """The end of it."""
    translator.body.append("</details>\n")


def visit_title(translator: HTML5Translator, node: FoldTitle) -> None:
    """What is always in view."""
    translator.body.append("<summary>")


def depart_title(translator: HTML5Translator, node: FoldTitle) -> None:
    """The end of it."""
    translator.body.append("</summary>\n")


def setup(app: Sphinx) -> dict:
    """Register all of it."""
    app.add_node(Fold, html=(visit_fold, depart_fold))
    app.add_node(FoldTitle, html=(visit_title, depart_title))
    app.add_directive("fold", FoldDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
