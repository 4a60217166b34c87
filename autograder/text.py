r"""Text for people: what strangers wrote, made fit for a page, a table or a terminal; and numbers.

Names, messages, code and output are chosen by students. Markup is escaped where a page is laid out; here goes
whatever could hide, reorder or cover the rest: terminal codes, control characters, invisible characters,
marks that turn the direction of writing, halves of characters, and piles of combining marks. Everything takes
linear time.
"""

import re
import unicodedata
from functools import cache

# Possessive repetitions (`*+`) never give back what they took, and each stops at the next escape, so that no
# text makes any of these look at the same character many times.
TERMINAL_CODE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"  # colors, and moves of the cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*+(?:\x07|\x1b\\)"  # titles, links and other strings for the terminal
    r"|\x1b[ -/]*+[0-~]?"  # character sets, and whatever is incomplete
)
INSTEAD = "\ufffd"
"""What stands for a character that cannot be shown."""

MOST_MARKS = 4
"""Combining marks that one letter may carry: Hebrew and Tibetan need as many."""

JOINERS = "\u200c\u200d"  # Persian, Hindi and pictures of families are not written without them
# Invisible although Unicode calls them letters or marks, or has not given them away yet.
INVISIBLE = "\u115f\u1160\u17b4\u17b5\u2065\u3164\uffa0\ufff0\ufff1\ufff2\ufff3\ufff4\ufff5\ufff6\ufff7\ufff8"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
MARK = "\x00"  # stands for a combining mark while piles are looked for: no control character is left by then
PILE = re.compile(f"{MARK}{{{MOST_MARKS + 1},}}")


def clean(text: str) -> str:
    r"""Text without terminal codes and control characters; what hides or reorders others is made visible.

    >>> clean("\x1b[31mred\x1b[0m\tand\x07 \u202eturned\r\n")
    'red\tand \ufffdturned\n'
    """
    text = TERMINAL_CODE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = CONTROL.sub("", text)
    if text.isascii():
        return text
    used = set(map(ord, set(text)))  # most texts need neither of what follows, and this is much faster
    if not used.isdisjoint(_unseen()):
        text = text.translate(_unseen())
    return text if used.isdisjoint(_marks()) else _without_piles(text)


def clean_output(text: str) -> str:
    r"""What a program printed, as a terminal would have left it: of a progress bar, its last state.

    >>> clean_output("10%\r100%\rdone\nabc\b\bX")
    'done\naX'
    """
    if "\r" in text or "\b" in text:
        lines = TERMINAL_CODE.sub("", text).replace("\r\n", "\n").split("\n")
        text = "\n".join(_last_written(line) for line in lines)
    return clean(text)


def one_line(text: str, longest: int | None = 200) -> str:
    r"""A cleaned text on one line, cut at its end unless `longest` is None.

    >>> one_line("two\nlines  here", 12)
    'two lines h…'
    """
    if longest is None:
        return " ".join(clean(text).split())
    text = " ".join(clean(text[: 50 * longest]).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def excerpt(text: str, longest: int = 4000) -> str:
    r"""A cleaned text for a page: both ends of it where it is long.

    >>> excerpt("\n\x1b[1mbold\x1b[0m\n\n")
    'bold'
    """
    return both_ends(clean(text), longest)


def both_ends(text: str, longest: int) -> str:
    """A text without empty lines around it; of a longer one the beginning and the end.

    >>> both_ends("a" * 50 + "z" * 50, 20)
    'aaaaaaaaaa\\n\\n... 80 characters left out ...\\n\\nzzzzzzzzzz'
    """
    text = text.strip("\n")
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n\n... {len(text) - 2 * half} characters left out ...\n\n{text[-half:]}"


def points(number: float) -> str:
    """Points as a person writes them.

    >>> points(2.0), points(1.5), points(2 / 3)
    ('2', '1.5', '0.67')
    """
    return f"{number:.2f}".rstrip("0").rstrip(".")


def percent(fraction: float) -> str:
    """A fraction in percent; only all is 100 % and only none is 0 %.

    >>> percent(2 / 3), percent(0.999), percent(0.001), percent(1.0)
    ('67 %', '99 %', '1 %', '100 %')
    """
    number = round(100 * fraction)
    if 0 < fraction < 1:
        number = min(max(number, 1), 99)
    return f"{number} %"


def _last_written(line: str) -> str:
    """What a line shows after carriage returns and backspaces."""
    line = line.rstrip("\r").rpartition("\r")[2]
    if "\b" not in line:
        return line
    kept: list[str] = []
    for character in line:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)


def _without_piles(text: str) -> str:
    """No more combining marks on a letter than any language needs."""
    parts, end = [], 0
    for pile in PILE.finditer(text.translate(_marks())):
        parts.append(text[end : pile.start() + MOST_MARKS])
        end = pile.end()
    return "".join([*parts, text[end:]])


@cache
def _unseen() -> dict[int, str]:
    """What shows nothing, and what is shown instead: format characters, line separators, halves, tags."""
    codes = {*_codes("Cf", "Zl", "Zp", "Cs"), *map(ord, INVISIBLE), *range(0xE0000, 0xE0100)}
    return dict.fromkeys(codes - set(map(ord, JOINERS)), INSTEAD)


@cache
def _marks() -> dict[int, str]:
    """Combining marks, and the joiners that could part a pile of them."""
    return dict.fromkeys([*_codes("Mn", "Mc", "Me"), *map(ord, JOINERS)], MARK)


def _codes(*categories: str) -> list[int]:
    """The characters of some of Unicode's categories, of which none lies between ideographs and tags."""
    places = (*range(0x20000), *range(0xE0000, 0xE0200))
    return [code for code in places if unicodedata.category(chr(code)) in categories]
