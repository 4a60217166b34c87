"""What a student reads after a check: the same in plain text and, in a notebook, as HTML."""

from dataclasses import dataclass
from html import escape

from convcourse._cases import CaseResult

# Meaning never rests on color alone: each line begins with a mark and a word. The ground is the page's own.
_BOX = "border-left:4px solid {color};padding:.3em .8em;margin:.3em 0;line-height:1.5"
_GREEN, _ORANGE, _GRAY = "#2f9e6e", "#d97706", "#808a94"


@dataclass(frozen=True)
class QuestionReport:
    """The outcome of a question's instant checks."""

    question: str
    results: tuple[CaseResult, ...]
    worth: float = 0  # all points of the question, those of the checks after handing in included

    @property
    def passed(self) -> int:
        """How many checks pass."""
        return sum(result.passed for result in self.results)

    @property
    def started(self) -> bool:
        """False where nothing passes because nothing has been answered yet."""
        return any(result.started for result in self.results)

    @property
    def points(self) -> float:
        """The points of the checks that pass."""
        return sum(result.points for result in self.results if result.passed)

    @property
    def possible(self) -> float:
        """The points of all instant checks; the checks after handing in bring the rest."""
        return sum(result.points for result in self.results)

    @property
    def headline(self) -> str:
        """One line: how far the question is."""
        if not self.started:
            return f"{self.question}: not started"
        if self.passed == len(self.results):
            return f"{self.question}: {_all_checks(len(self.results))}"
        return f"{self.question}: {self.passed} of {len(self.results)} checks pass"

    @property
    def messages(self) -> list[str]:
        """What is wrong, each thing said once."""
        return list(dict.fromkeys(result.message for result in self.results if not result.passed))

    def __repr__(self) -> str:
        mark = "✗" if self.started else "○"
        return "\n".join([self.headline, *(f"  {mark} {message}" for message in self.messages)])

    def _repr_html_(self) -> str:
        done = self.passed == len(self.results)
        color = _GREEN if done else _ORANGE if self.started else _GRAY
        mark = "✓" if done else "✗" if self.started else "○"
        items = "".join(
            f'<li style="white-space:pre-wrap">{escape(message)}</li>' for message in self.messages
        )
        listed = f'<ul style="margin:.2em 0 .2em 1.2em;padding:0">{items}</ul>' if items else ""
        return (
            f'<div class="cc-check" role="status" style="{_BOX.format(color=color)}">'
            f"<strong>{mark} {escape(self.headline)}</strong>{listed}</div>"
        )


@dataclass(frozen=True)
class ProgressReport:
    """All questions of an exercise at a glance."""

    exercise: str
    questions: tuple[QuestionReport, ...]

    @property
    def summary(self) -> str:
        """One line under the table."""
        done = sum(report.passed == len(report.results) for report in self.questions)
        points = sum(report.points for report in self.questions)
        possible = sum(report.possible for report in self.questions)
        worth = sum(report.worth for report in self.questions)
        return (
            f"{done} of {len(self.questions)} questions pass their instant checks, "
            f"which give {points:g} of {possible:g} points. The checks that run after you hand in give the "
            f"others: the exercise is worth {worth:g}."
        )

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                report.question,
                "done"
                if report.passed == len(report.results)
                else "open"
                if report.started
                else "not started",
                f"{report.passed} of {len(report.results)}",
                f"{report.points:g} of {report.possible:g}" if report.possible else "",
                f"{report.worth:g}",
            )
            for report in self.questions
        ]

    def __repr__(self) -> str:
        table = [_COLUMNS, *self._rows()]
        widths = [max(len(row[column]) for row in table) for column in range(len(_COLUMNS))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table
        ]
        return "\n".join([self.exercise, *(line.rstrip() for line in lines), self.summary])

    def _repr_html_(self) -> str:
        cell = "text-align:left;padding:.15em 1.2em .15em 0;background:transparent"
        head = "".join(f'<th scope="col" style="{cell}">{name}</th>' for name in _COLUMNS)
        marks = {"done": "✓ ", "open": "✗ ", "not started": "○ "}
        body = ""
        for question, state, *numbers in self._rows():
            cells = "".join(f'<td style="{cell}">{text}</td>' for text in [marks[state] + state, *numbers])
            body += f'<tr><th scope="row" style="{cell}">{escape(question)}</th>{cells}</tr>'
        return (
            f'<div class="cc-progress" style="{_BOX.format(color=_GRAY)}">'
            '<table style="border-collapse:collapse">'
            f'<caption style="text-align:left;font-weight:bold">{escape(self.exercise)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{escape(self.summary)}</div>"
        )


_COLUMNS = ("question", "state", "instant checks", "their points", "worth in all")


def _all_checks(count: int) -> str:
    return "its instant check passes" if count == 1 else f"all {count} instant checks pass"
