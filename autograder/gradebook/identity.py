"""Whose a submission is, told by its name."""

import re

from autograder.policy import HandIn

SUFFIXES = (".ipynb", ".zip")


def student_of(name: str, hand_in: HandIn) -> str:
    """The student of the submission `name`; without a pattern, or where it does not fit, the first folder.

    A file that lies in no folder is its own student, without the suffix that its name may have kept.

    >>> student_of("Ada/second try", HandIn()), student_of("Ada.zip", HandIn())
    ('Ada', 'Ada')
    >>> student_of("week3_ada_2", HandIn("week3_(?P<student>[a-z]+)_(?P<attempt>[0-9]+)"))
    'ada'
    """
    found = _match(name, hand_in)
    if found and found["student"]:
        return found["student"]
    first = name.split("/")[0]
    return first.removesuffix(next((s for s in SUFFIXES if first.endswith(s)), "")) or first


def attempt_of(name: str, hand_in: HandIn) -> str | None:
    """What the pattern's group `attempt` finds in `name`, or None."""
    found = _match(name, hand_in)
    return found.groupdict().get("attempt") if found else None


def unmatched(names: list[str], hand_in: HandIn) -> list[str]:
    """Those of `names` that the pattern does not fit; their student is a guess."""
    return [name for name in names if hand_in.pattern is not None and not _match(name, hand_in)]


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts as people count.

    >>> sorted(["10", "9", "b", "a2"], key=natural)
    ['9', '10', 'a2', 'b']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part.casefold()) for part in parts]


def _match(name: str, hand_in: HandIn) -> re.Match[str] | None:
    return re.fullmatch(hand_in.pattern, name) if hand_in.pattern is not None else None
