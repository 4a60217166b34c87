"""Common wrong answers: failures of one case that say the same but for numbers and places."""

import re
from collections import Counter
from dataclasses import dataclass, field

from autograder.text import one_line

ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?![\w])")
PATH = re.compile(r"(?:/[\w.+-]{1,200}){2,20}")
LONGEST = 240


@dataclass(frozen=True)
class WrongAnswer:
    """A group: where it failed, what was said (`#` for numbers), one real message, and who."""

    question: str
    case: str
    hidden: bool
    message: str
    example: str
    students: int
    names: tuple[str, ...]


@dataclass
class _Group:
    example: str
    students: set[str] = field(default_factory=set)
    names: list[str] = field(default_factory=list)


def normal_message(message: str) -> str:
    """The first line of a message with what varies from student to student taken out.

    >>> normal_message("expected shape (3, 4), got (4.5, -2)\\nTraceback ...")
    'expected shape (#, #), got (#, #)'
    """
    return NUMBER.sub("#", ADDRESS.sub("0x#", PATH.sub("/#", first_line(message))))


def first_line(message: str) -> str:
    """The first line that says something, cleaned."""
    return one_line(next((line for line in message[:4000].splitlines() if line.strip()), ""), LONGEST)


class WrongAnswers:
    """Collects failures one by one; keeps names, no records."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str, bool, str], _Group] = {}

    def add(self, where: tuple[str, str, bool], message: str, student: str, name: str) -> None:
        """Count `student`'s failure at (question, case, hidden); `name` is the submission's."""
        # A hidden case says its author's hint, and the numbers in it are the author's too.
        key = (*where, one_line(message, LONGEST) if where[2] else normal_message(message))
        group = self.groups.setdefault(
            key, _Group(one_line(message, LONGEST) if where[2] else first_line(message))
        )
        if student not in group.students:
            group.students.add(student)
            if len(group.names) < 2:
                group.names.append(name)

    def most_common(self, limit: int) -> tuple[list[WrongAnswer], int]:
        """The groups by falling number of students, and how many are left out."""
        found = [
            WrongAnswer(
                question, case, hidden, message, group.example, len(group.students), tuple(group.names)
            )
            for (question, case, hidden, message), group in self.groups.items()
        ]
        found.sort(key=lambda wrong: (-wrong.students, wrong.question, wrong.case, wrong.message))
        return found[:limit], max(len(found) - limit, 0)


def error_name(error: str) -> str:
    """What kind of exception a cell's error text reports: its last line up to the colon, or nothing.

    >>> error_name("Traceback ...\\nNameError: name 'x' is not defined")
    "NameError: name 'x' is not defined"
    """
    lines = [line for line in error[-2000:].splitlines() if line.strip()]
    return normal_message(lines[-1]) if lines else ""


def most_common(counts: Counter[str], limit: int) -> list[tuple[str, int]]:
    """The most frequent texts, equal counts in the order of the alphabet."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]
