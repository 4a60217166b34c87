"""What every page keeps, read from its source: the build stops where one does not (book/README.md says why).

`python book/_ext/standard.py [PAGE ...]` says the same in a second, without a build. Whole pages that do not
keep a rule yet are in book/exceptions.toml with the reason. One sentence is let off by a comment above it:

    % claim: counted by the reader on the figure
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from page_source import Line, Page, plain, take_apart
from sphinx.util import logging
from words import strays

log = logging.getLogger(__name__)

# The rules read from a page's source. "promoted" and "length" are held against the built page, by tests/site.
RULES = ("captions", "claims", "directives", "hidden", "sentences", "width", "words")

CODE_WIDTH = 72
HIDDEN_SHARE = 1 / 3

SHORTENED = re.compile(r"\b(?:e\.g|i\.e|et al|vs|cf|St|Fig|approx|resp|No)\.")
SENTENCE_END = re.compile(r"[.!?][\"”’)*_\]]*\s+(?=[\"“(*_\[$`]*[A-Z0-9])")
LINE_END = re.compile(r"[.!?:;…][\"”’)*_\]`]*(?:\{[^}]*\})?$")
NUMBER = re.compile(
    r"(?<![\w.,])(\d[\d,]*(?:\.\d+)?)(?P<unit>\s?(?:%|percent|points?|times|seconds?|minutes?|hours?|ms|µs)(?!\w))?"
)
NAMED = re.compile(
    r"\b(?:chapters?|exercises?|questions?|figures?|tables?|rows?|columns?|channels?|layers?|steps?|"
    r"class|image|pixel|padding|stride|dilation|seeds?)\s+\d+(?:\s*(?:,|and|or|to|–)\s*\d+)*",
    re.IGNORECASE,
)
YEAR = re.compile(r"\b(?:19|20)\d\d\b(?!,)")
COMPARES = re.compile(
    r"\b(?:(?:more|less|fewer) than|\w+er than|fewer|faster|slower|better|worse|cheaper|larger|bigger|"
    r"smaller|best|worst|largest|smallest|fastest|twice|half as|"
    r"(?:two|three|four|five|six|seven|eight|nine|ten|\d[\d,.]*) times)\b",
    re.IGNORECASE,
)
NOT_COMPARING = re.compile(
    r"\b(?:rather|other|further) than\b|\bat best\b|\bbest practices?\b", re.IGNORECASE
)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.NotEq)
# Whole numbers up to here are counting words unless a unit follows.
COUNTED = 10


def bound_numbers(page: Page) -> set[float]:
    """Every number that an assertion of the page mentions, or code that its readers see."""
    found: set[float] = set()
    for cell in page.cells:
        tree = _parsed(cell.code)
        roots: list[ast.AST] = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
        if not cell.hidden:
            roots.append(tree)
        for root in roots:
            for node in ast.walk(root):
                if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                    found |= {float(node.value), round(100 * float(node.value), 9)}
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= {float(text.replace(",", "")) for text, _ in NUMBER.findall(node.value)}
    return found


def _parsed(code: str) -> ast.Module:
    try:
        return ast.parse(re.sub(r"^[%!].*$", "", code, flags=re.MULTILINE))
    except SyntaxError:  # the execution of the page will say so
        return ast.parse("")


def sections_that_compare(page: Page) -> set[int]:
    """Sections with an assertion that one thing is more, less or other than another."""
    return {
        cell.section
        for cell in page.cells
        for assertion in ast.walk(_parsed(cell.code))
        if isinstance(assertion, ast.Assert)
        for node in ast.walk(assertion)
        if isinstance(node, ast.Compare) and any(isinstance(op, COMPARISONS) for op in node.ops)
    }


def unbound(page: Page) -> Iterator[tuple[int, str]]:
    """Numbers and comparisons in prose that nothing holds to what the page computes."""
    bound, comparing = bound_numbers(page), sections_that_compare(page)
    for line in page.lines:
        if line.claimed:
            continue
        text = NAMED.sub("", plain(line.text))
        for match in NUMBER.finditer(YEAR.sub("", text)):
            value = float(match[1].replace(",", "").rstrip("."))
            small = value <= COUNTED and value == int(value) and not match["unit"]
            if not small and value not in bound:
                yield line.number, f"nothing asserts the number {match[0].strip()}"
        compared = COMPARES.search(NOT_COMPARING.sub("", text))
        if compared and line.kind in ("text", "caption") and line.section not in comparing:
            yield line.number, f"nothing in this section asserts {compared[0]!r}"


def not_one_sentence(page: Page) -> Iterator[tuple[int, str]]:
    """Lines of running text that hold two sentences, or a part of one."""
    prose = [line for line in page.lines if line.kind == "text"]
    for line, after in zip(prose, [*prose[1:], Line(0, "", 0, "text")], strict=True):
        text = SHORTENED.sub("", re.sub(r"`[^`]*`|\$[^$]*\$", "x", line.text.strip()))
        text = re.sub(r"^(?:[-*+]|\d+\.)\s+", "", text)
        if SENTENCE_END.search(text):
            yield line.number, "two sentences in one line"
        begins = re.match(r"\s*(?:[-*+]|\d+\.|:)\s", after.text)
        if (
            text
            and after.text.strip()
            and not begins
            and not LINE_END.search(text)
            and after.number == line.number + 1
        ):
            yield line.number, "a sentence is broken into two lines"


def problems(source: str) -> Iterator[tuple[str, int, str]]:
    """Everything a page does not keep, as (rule, line, what)."""
    page = take_apart(source)
    for number, row in enumerate(source.split("\n"), start=1):
        if re.match(r"```\{[\w-]+\}.*`", row):
            yield (
                "directives",
                number,
                "a directive whose argument holds code must be fenced by :::, not by ```",
            )
    for number, what in not_one_sentence(page):
        yield "sentences", number, what
    for number, what in unbound(page):
        yield "claims", number, what
    for line in page.lines:
        for what in strays(re.sub(r"`[^`]*`", "", line.text)):
            yield "words", line.number, what
    for cell in page.cells:
        for offset, row in enumerate(cell.code.split("\n")):
            if not cell.hidden and len(row) > CODE_WIDTH:
                yield "width", cell.number + offset, f"code of {len(row)} characters, at most {CODE_WIDTH}"
        drawn = re.findall(r"\bplots\.(?:show|widget)\(", cell.code)
        if drawn and not {"remove-cell", "remove-output"} & cell.tags:
            if not cell.figure.get("caption") or not str(cell.figure.get("name", "")).startswith("fig-"):
                yield (
                    "captions",
                    cell.number,
                    "a figure needs `mystnb: figure:` with a name fig-... and a caption",
                )
            if len(drawn) > 1:
                yield "captions", cell.number, "one figure per cell: make panels, or two cells"
    hidden = sum(len(cell.code) for cell in page.cells if cell.hidden)
    if hidden > HIDDEN_SHARE * page.size:
        yield "hidden", 1, f"{hidden / page.size:.0%} of the source is hidden code, at most a third"


def exceptions(book: Path) -> dict[str, dict[str, str]]:
    """Rule -> reason for each page that has some."""
    with (book / "exceptions.toml").open("rb") as file:
        return tomllib.load(file)


def check(book: Path, name: str) -> list[tuple[int, str]]:
    """What the page `name` does not keep and is not let off, by line; and exceptions that are idle."""
    let_off = exceptions(book).get(name, {})
    found = list(problems((book / f"{name}.md").read_text(encoding="utf-8")))
    broken = {rule for rule, _, _ in found}
    wrong = [(line, f"{what} [{rule}]") for rule, line, what in found if rule not in let_off]
    return wrong + [
        (1, f"exceptions.toml lets the page off the rule {rule!r}, which it keeps")
        for rule in let_off
        if rule not in broken and rule in RULES
    ]


def check_page(app, docname: str, source: list[str]) -> None:
    """Warn, which ends the build, of what a page of the book does not keep."""
    book = Path(app.srcdir) / "book"
    if docname.startswith("book/") and (book / f"{docname[5:]}.md").is_file():
        app.env.note_dependency(str(book / "exceptions.toml"))
        for line, what in check(book, docname[5:]):
            log.warning("%s", what, location=(docname, line), type="standard")


def setup(app) -> dict:
    """Look at each page as it is read."""
    app.connect("source-read", check_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main(names: list[str]) -> int:
    """Print what pages do not keep, and what they are let off for which reason."""
    book = Path(__file__).resolve().parents[1]
    count = 0
    for path in sorted(book.glob("*.md")):
        if path.stem == "README" or (names and path.stem not in names):
            continue
        wrong = check(book, path.stem)
        count += len(wrong)
        for line, what in sorted(wrong):
            print(f"{path.name}:{line}: {what}")
        for rule, reason in exceptions(book).get(path.stem, {}).items():
            print(f"{path.name}: let off the rule {rule!r}: {reason}")
        for line, reason in take_apart(path.read_text(encoding="utf-8")).reasons:
            print(f"{path.name}:{line}: let off: {reason}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main([Path(name).stem for name in sys.argv[1:]]))
