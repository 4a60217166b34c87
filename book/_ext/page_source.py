"""A page's source, taken apart into prose and cells, for what has to be known of it without a build."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

PROSE_FENCES = {
    "note",
    "tip",
    "warning",
    "important",
    "admonition",
    "table",
    "dropdown",
    "seealso",
    "epigraph",
}


@dataclass
class Line:
    """A line of prose: its number in the file, its text, and what it is part of."""

    number: int
    text: str
    section: int
    kind: str  # "text", "table", "caption", "quiz"
    claimed: bool = False  # a comment above it gives a reason


@dataclass
class Cell:
    """A code cell: where it begins, its tags, its code."""

    number: int
    tags: frozenset[str]
    code: str
    section: int
    figure: dict  # what `mystnb: figure:` says

    @property
    def hidden(self) -> bool:
        """Whether readers do not see the code unless they ask."""
        return bool(self.tags & {"hide-input", "remove-input", "remove-cell", "hide-cell"})


@dataclass
class Page:
    """A page's source, taken apart."""

    lines: list[Line] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    reasons: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0  # characters, front matter left out


def take_apart(source: str) -> Page:
    """Prose and cells of a MyST page, with line numbers counted from 1."""
    page = Page()
    rows = source.split("\n")
    at = rows.index("---", 1) + 1 if rows[0] == "---" else 0
    page.size = sum(len(row) + 1 for row in rows[at:])
    section, claimed = 0, False
    while at < len(rows):
        row = rows[at].strip()
        fence = re.match(r"(`{3,}|:{3,}|~{3,})\{?([\w:-]*)\}?\s*(.*)", row)
        if fence and fence[2]:
            end = next((n for n in range(at + 1, len(rows)) if rows[n].strip() == fence[1]), len(rows) - 1)
            inside = rows[at + 1 : end]
            if fence[2] == "code-cell":
                _read_cell(page, at + 1, inside, section)
            elif fence[2] == "quiz":
                page.lines += _quiz(at + 1, fence[3], inside, section)
            elif fence[2] in PROSE_FENCES:
                if fence[3]:
                    page.lines.append(Line(at + 1, fence[3], section, "text"))
                at += 1
                continue
            at = end + 1
            continue
        if row.startswith("$$"):
            at = (
                at + 1
                if row.count("$$") > 1
                else next((n for n in range(at + 1, len(rows)) if rows[n].strip().startswith("$$")), at) + 1
            )
            continue
        if row.startswith("%"):
            reason = re.match(r"%\s*claim:\s*(\S.*)", row)
            if reason:
                claimed = True
                page.reasons.append((at + 1, reason[1]))
        elif row.startswith("#"):
            section += 1
        elif row and not re.match(r"(?:[`:~]{3,}|:\w[\w-]*:|\(\w[\w-]*\)=|-{3,}$|\|[\s:|-]+\|$)", row):
            kind = "table" if row.startswith("|") else "text"
            page.lines.append(Line(at + 1, rows[at], section, kind, claimed))
            claimed = False
        elif not row:
            page.lines.append(Line(at + 1, "", section, "text"))
        at += 1
    return page


def _read_cell(page: Page, start: int, inside: list[str], section: int) -> None:
    head: dict = {}
    first = 0
    if inside and inside[0].strip() == "---":
        first = inside.index("---", 1) + 1
        head = yaml.safe_load("\n".join(inside[1 : first - 1])) or {}
    else:
        while first < len(inside) and (option := re.match(r":([\w-]+):\s*(.*)", inside[first])):
            head[option[1]] = yaml.safe_load(option[2])
            first += 1
    tags = frozenset(head.get("tags") or [])
    figure = (head.get("mystnb") or {}).get("figure") or {}
    page.cells.append(Cell(start + 1 + first, tags, "\n".join(inside[first:]), section, figure))
    for offset, text in enumerate(figure.get("caption", "").splitlines()):
        place = next((n for n, row in enumerate(inside) if text.strip() and text.strip() in row), offset)
        page.lines.append(Line(start + 1 + place, text, section, "caption"))
    page.lines.append(Line(start, "", section, "text"))


def _quiz(start: int, question: str, inside: list[str], section: int) -> Iterator[Line]:
    """The question and the right answer: the wrong ones may say what they like."""
    yield Line(start, question, section, "quiz")
    for offset, row in enumerate(inside, start=1):
        if re.match(r"[-*] \[[xX]\]", row):
            yield Line(start + offset, row, section, "quiz")


def plain(text: str) -> str:
    """A line without code, addresses, roles and what mathematics adds to numbers.

    >>> plain("See {numref}`fig-1`: `x[3]` is $20{,}000$ ([chapter 1](01.md)).")
    'See :  is 20000 (chapter 1).'
    """
    text = re.sub(r"\{[\w:.-]+\}`[^`]*`", "", text)
    text = re.sub(r"`[^`]*`", "", text)
    text = re.sub(r"\]\([^)]*\)", "]", text).replace("[", "").replace("]", "")
    text = re.sub(r"<[^>]+>|https?://\S+|arXiv[: ]\S+|\d+°", "", text)
    return text.replace("{,}", "").replace("$", "").replace("\\,", "")
