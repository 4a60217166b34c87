"""One line for each student and exercise, with everything that the grade came from."""

from collections.abc import Iterable

from autograder.gradebook.exports.table import Table, number
from autograder.gradebook.final import StudentGrades
from autograder.gradebook.grades import plain

COLUMNS = (
    "student",
    "exercise",
    "score",
    "max_score",
    "attempt",
    "submitted_at",
    "late_percent",
    "extra_credit",
    "by_hand",
    "explanation",
)


def csv_table(students: Iterable[StudentGrades]) -> Table:
    """The table; a score that there is not yet is an empty cell and never a 0."""
    rows = [COLUMNS]
    for student in students:
        for slug, final in sorted(student.finals.items()):
            attempt = final.attempt.attempt if final.attempt else None
            time = attempt.submitted_at if attempt else None
            rows.append(
                (
                    plain(student.student),
                    plain(slug),
                    "" if final.score is None else number(final.score),
                    number(final.max_score),
                    plain(attempt.name) if attempt else "",
                    time.isoformat(timespec="seconds") if time else "",
                    number(final.late_percent),
                    number(final.extra),
                    number(final.manual),
                    plain("; ".join(final.lines)),
                )
            )
    return Table(tuple(rows))
