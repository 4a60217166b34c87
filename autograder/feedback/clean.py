"""Makes a student's output fit for a page: no terminal codes, no torn progress bars, no fake images."""

import base64
import re

# Every repetition is bounded or stops at the next escape, so that no text takes more than linear time.
CSI = re.compile(r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]")
OSC = re.compile(r"\x1b\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)")
OTHER_ESCAPE = re.compile(r"\x1b[@-_]?")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
PNG = b"\x89PNG\r\n\x1a\n"

LONGEST = 20_000
LARGEST_IMAGE = 2 * 1024 * 1024
MOST_IMAGES = 12


def clean_text(text: str, longest: int = LONGEST) -> str:
    """Text as a terminal would have left it, without anything that could change how a page looks.

    >>> clean_text("\\x1b[31mred\\x1b[0m 10%\\r100% done")
    '100% done'
    """
    text = OTHER_ESCAPE.sub("", OSC.sub("", CSI.sub("", text))).replace("\r\n", "\n")
    lines = [_overwritten(line) for line in text.split("\n")]
    text = CONTROL.sub("", "\n".join(lines)).strip("\n")
    if len(text) > longest:
        left_out = f"\n\n... {len(text) - longest} characters left out ...\n\n"
        text = text[: longest // 2] + left_out + text[-(longest // 2) :]
    return text


def _overwritten(line: str) -> str:
    """What stands on a line after carriage returns and backspaces: the last thing written there."""
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


def image_source(data: bytes) -> str | None:
    """A PNG as a data URL; anything else, or too large a one, is left out."""
    if not data.startswith(PNG) or len(data) > LARGEST_IMAGE:
        return None
    return "data:image/png;base64," + base64.b64encode(data).decode()
