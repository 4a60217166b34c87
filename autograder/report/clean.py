"""Makes strangers' texts fit for a page or a terminal: nothing that hides, reorders or moves what is shown.

Names, messages and outputs are chosen by students. Tags are escaped where the page is laid out; here go
terminal codes, control characters, marks that turn the direction of writing, and halves of characters.
"""

import re

# Every repetition is bounded or stops at the next escape, so that no text takes more than linear time.
TERMINAL = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|\x1b[@-_]?"
)
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
STACKED = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})[\u0300-\u036f"
    "\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)
INSTEAD = "\ufffd"
LONGEST = 4000


def clean_text(text: str, longest: int = LONGEST) -> str:
    """Text without terminal codes; what could hide or reorder the rest becomes a visible replacement mark.

    >>> clean_text("\\x1b[31mred\\x1b[0m and \\u202eturned")
    'red and \ufffdturned'
    """
    if len(text) > 4 * longest:  # so that a text of many MiB is not searched whole
        text = text[: 2 * longest] + text[-2 * longest :]
    text = TERMINAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = STACKED.sub(r"\1", HIDDEN.sub(INSTEAD, text)).strip("\n")
    if len(text) <= longest:
        return text
    return f"{text[: longest // 2]}\n … \n{text[-(longest // 2) :]}"


def one_line(text: str, longest: int = 200) -> str:
    """A cleaned text on one line, cut at its end.

    >>> one_line("two\\nlines  here", 12)
    'two lines h…'
    """
    text = " ".join(clean_text(text, 4 * longest).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


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
