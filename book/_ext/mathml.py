"""Mathematics as MathML, written at build: no script, no request, readable aloud.

latex2mathml does the conversion; the repairs below are for what it gets wrong or what browsers' MathML Core
no longer does, each seen in a page of this book.
"""

import re
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

log = logging.getLogger(__name__)

# latex2mathml knows the outer environments only, and numbers the lines of the unstarred ones.
ENVIRONMENTS = {
    "aligned": "align*",
    "align": "align*",
    "split": "align*",
    "gather": "align*",
    "gathered": "align*",
    "equation": "equation*",
}
# Where it writes an identifier although a bracket is meant.
BRACKETS = {"&#x0230A;": "prefix", "&#x0230B;": "postfix", "&#x02308;": "prefix", "&#x02309;": "postfix"}
# Not as the base of an index or power: there the next element is the index.
FUNCTION = r"(?<!<msub>)(?<!<msup>)<mi>(?:log|ln|exp|sin|cos|tan)</mi>"
THIN = '<mspace width="0.167em"></mspace>'


def to_mathml(latex: str, display: str) -> str:
    r"""One formula as a `<math>` element; `display` is "inline" or "block".

    Raises ValueError where the result is not well-formed, which means that the formula was not understood.

    >>> "<mn>20,000</mn>" in to_mathml(r"20{,}000", "inline")
    True
    """
    for name, known in ENVIRONMENTS.items():
        latex = latex.replace(rf"\begin{{{name}}}", rf"\begin{{{known}}}")
        latex = latex.replace(rf"\end{{{name}}}", rf"\end{{{known}}}")
    try:
        markup = convert(latex, display=display)
    except Exception as error:  # latex2mathml raises a dozen kinds, most without a message
        raise ValueError(f"the formula {latex!r} was not understood ({type(error).__name__})") from error
    unknown = re.search(r"<m[ion]>(\\\w+)</m", markup)
    if unknown:
        raise ValueError(f"the formula {latex!r} uses {unknown[1]}, which latex2mathml does not know")
    for bracket, form in BRACKETS.items():
        markup = markup.replace(
            f"<mi>{bracket}</mi>", f'<mo stretchy="false" fence="true" form="{form}">{bracket}</mo>'
        )
    # 20{,}000 is one number.
    thousands = re.compile(r"<mn>([\d,]+)</mn><mrow><mo>&#x0002C;</mo></mrow><mn>(\d{3})</mn>")
    while thousands.search(markup):
        markup = thousands.sub(r"<mn>\1,\2</mn>", markup)
    # \mathrm{out}: one upright word, not three letters.
    markup = re.sub(r'(?:<mi mathvariant="normal">[A-Za-z]</mi>){2,}', _one_word, markup)
    # A named function is an identifier; as an operator it would get the spaces of a plus sign.
    markup = re.sub(r"<mo>([A-Za-z]{2,})</mo>", r"<mi>\1</mi>", markup)
    # log x, 2 cos x: a thin space where no bracket follows or a factor comes before.
    markup = re.sub(rf"({FUNCTION})(?!<mo|</m)", rf"\1{THIN}", markup)
    markup = re.sub(rf"(?<=</mi>|</mn>)({FUNCTION})", rf"{THIN}\1", markup)
    markup = re.sub(r'<mtd columnalign="(\w+)">', r'<mtd columnalign="\1" class="\1">', markup)
    try:
        ElementTree.fromstring(markup)
    except ElementTree.ParseError as error:
        raise ValueError(f"the formula {latex!r} was not understood ({error})") from None
    return markup


def _one_word(letters: re.Match[str]) -> str:
    return "<mi>" + "".join(re.findall(r">([A-Za-z])<", letters.group())) + "</mi>"


def _converted(node: nodes.Element, display: str) -> str:
    try:
        return to_mathml(node.astext(), display)
    except ValueError as error:
        log.warning("mathematics: %s", error, location=node)
        return f"<code>{node.astext()}</code>"


def visit_inline(translator, node: nodes.Element) -> None:
    """`$...$` in running text."""
    translator.body.append(_converted(node, "inline"))
    raise nodes.SkipNode


def visit_block(translator, node: nodes.Element) -> None:
    """A displayed equation, with its number where it has a label."""
    translator.body.append(translator.starttag(node, "div", CLASS="equation"))
    translator.body.append(f'<div class="scroll">{_converted(node, "block")}</div>')
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Register the renderer that `html_math_renderer: mathml` asks for."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
