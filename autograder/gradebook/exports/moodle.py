"""Moodle's grade import: a CSV file that names people by e-mail address or ID number.

In Moodle: Grades, Import, CSV file; map 'Email address' to it and each of our columns to its grade item. Whom
Moodle does not know stops its import, so only people of the roster are written, and only those with a grade.
"""

import re
from collections.abc import Sequence

from autograder.course import CourseExercise
from autograder.gradebook.csv_input import CsvError, CsvTable
from autograder.gradebook.exports.roster import match
from autograder.gradebook.exports.table import Table, kept, number
from autograder.gradebook.final import StudentGrades
from autograder.gradebook.grades import plain

# The names of the columns in Moodle's own exports, old and new.
KEYS = ("Email address", "ID number", "Username")
NAMES = ("First name", "Last name", "Surname", "Full name")
SHORT = {"email": "Email address", "idnumber": "ID number"}
IDENTITIES = (
    *KEYS,
    *SHORT,
    "First name+Last name",
    "First name+Surname",
    "Last name+First name",
    "Surname+First name",
    "Full name",
)
NO_GRADE = "-"


def moodle_table(
    students: Sequence[StudentGrades], exercises: Sequence[CourseExercise], roster: CsvTable | None
) -> Table:
    """The table for Moodle; `roster` is a list of participants or of grades that Moodle exported."""
    wanted = (*NAMES[:3], *KEYS, *SHORT)
    if roster is None:
        raise CsvError(
            "Moodle knows people by e-mail address or ID number: give its own list with --roster FILE"
        )
    columns = [place for name in wanted if (place := roster.column(name)) is not None]
    if not any(roster.column(name) is not None for name in (*KEYS, *SHORT)):
        raise CsvError(
            f"{roster.path} has none of the columns {', '.join((*KEYS, *SHORT))}; export it from Moodle"
        )
    by_name = {student.student: student for student in students}
    matches = match(by_name, roster, IDENTITIES, range(len(roster.rows)))
    heads = [roster.columns[place].strip() for place in columns]
    rows = [
        (
            *(plain(SHORT.get(head.casefold(), head)) for head in heads),
            *(_item(roster, exercise) for exercise in exercises),
        )
    ]
    for index, student in sorted(matches.students.items()):
        finals = [by_name[student].finals.get(exercise.slug) for exercise in exercises]
        scores = [None if final is None else final.score for final in finals]
        if any(score is not None for score in scores):
            row = roster.rows[index][1]
            rows.append(
                (
                    *(kept(row[place]) if place < len(row) else "" for place in columns),
                    *(NO_GRADE if score is None else number(score) for score in scores),
                )
            )
    return Table(tuple(rows), matches.missing, roster.delimiter)


def _item(roster: CsvTable, exercise: CourseExercise) -> str:
    """The grade item's column as Moodle calls it (`Assignment: Title (Real)`), or the title alone."""
    for column in roster.columns:
        title = re.sub(r"\s*\((Real|Percentage|Letter)\)$", "", column.strip())
        if title == exercise.title or title.endswith(f": {exercise.title}"):
            return plain(column)
    return plain(exercise.title)
