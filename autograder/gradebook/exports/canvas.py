"""Canvas's gradebook CSV: what its gradebook exports, with our columns filled in, for its own import.

Canvas reads the first columns as the student, knows an assignment by the number in `Title (number)`, and
makes a new one of any other title. An empty cell would take a grade away, so where there is none the cell of
the roster stays as it was.
"""

import re
from collections.abc import Sequence

from autograder.course import CourseExercise
from autograder.gradebook.csv_input import CsvError, CsvTable, cell
from autograder.gradebook.exports.roster import match
from autograder.gradebook.exports.table import Table, kept, number
from autograder.gradebook.final import StudentGrades
from autograder.gradebook.grades import plain

STUDENT_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
IDENTITIES = ("SIS Login ID", "SIS User ID", "ID", "Student", "LastName+FirstName", "FirstName+LastName")
POINTS = "    Points Possible"
HIDDEN = re.compile(r"\s*(Muted|Manual Posting.*)?\s*", re.IGNORECASE)


def canvas_table(
    students: Sequence[StudentGrades], exercises: Sequence[CourseExercise], roster: CsvTable | None
) -> Table:
    """The table for Canvas; `roster` is the gradebook that Canvas exported. Raises `CsvError`."""
    if roster is None:
        return _without_roster(students, exercises)
    if roster.column("ID") is None:
        raise CsvError(f"{roster.path} has no column 'ID'; export it from Canvas: Grades, Export")
    header = [kept(column) for column in roster.columns]
    places = {}
    for exercise in exercises:
        place = _assignment(roster, exercise)
        if place is None:
            place = len(header)
            header.append(plain(exercise.title))
        places[exercise.slug] = place
    people = [i for i, (_, row) in enumerate(roster.rows) if not _is_points(row) and not _is_hidden(row)]
    by_name = {student.student: student for student in students}
    matches = match(by_name, roster, IDENTITIES, people)
    warnings = list(matches.missing)
    rows = [header]
    if not any(_is_points(row) for _, row in roster.rows):
        rows.append(_points_row([""] * len(roster.columns), exercises, places, warnings))
    for index, (_, row) in enumerate(roster.rows):
        cells = [kept(text) for text in row] + [""] * (len(roster.columns) - len(row))
        if _is_points(row):
            rows.append(_points_row(cells, exercises, places, warnings))
            continue
        cells += [""] * (len(header) - len(cells))
        if index in matches.students:
            for slug, final in by_name[matches.students[index]].finals.items():
                if final.score is not None and slug in places:
                    cells[places[slug]] = number(final.score)
        rows.append(cells)
    return Table(tuple(map(tuple, rows)), tuple(warnings), roster.delimiter)


def _without_roster(students: Sequence[StudentGrades], exercises: Sequence[CourseExercise]) -> Table:
    rows = [
        (*STUDENT_COLUMNS, *(plain(exercise.title) for exercise in exercises)),
        (POINTS, "", "", "", "", *(number(exercise.points) for exercise in exercises)),
    ]
    for student in students:
        scores = (student.finals.get(exercise.slug) for exercise in exercises)
        cells = ("" if final is None or final.score is None else number(final.score) for final in scores)
        rows.append((plain(student.student), "", "", "", "", *cells))
    warning = "without --roster nobody has an ID: Canvas will look for people by name alone"
    return Table(tuple(rows), (warning,))


def _assignment(roster: CsvTable, exercise: CourseExercise) -> int | None:
    """The column of an exercise: its title or slug, with or without Canvas's number behind it."""
    wanted = {exercise.title.casefold(), exercise.slug.casefold()}
    for index, column in enumerate(roster.columns):
        title = re.sub(r"\s*\([0-9]+\)$", "", column.strip())
        if title.casefold() in wanted:
            return index
    return None


def _points_row(
    cells: list[str], exercises: Sequence[CourseExercise], places: dict[str, int], warnings: list[str]
) -> list[str]:
    cells = [POINTS, *cells[1:]]
    cells += [""] * (max([len(cells) - 1, *places.values()]) + 1 - len(cells))
    for exercise in exercises:
        ours, theirs = number(exercise.points), cell(tuple(cells), places[exercise.slug])
        if not theirs:
            cells[places[exercise.slug]] = ours
        elif not _equal(theirs, exercise.points):
            warnings.append(f"{exercise.slug}: Canvas says {theirs} points are possible, the course {ours}")
    return cells


def _equal(text: str, points: float) -> bool:
    try:
        return abs(float(text.replace(",", ".")) - points) < 0.005
    except ValueError:
        return False


def _is_points(row: tuple[str, ...]) -> bool:
    return bool(row) and "Points Possible" in row[0]


def _is_hidden(row: tuple[str, ...]) -> bool:
    return all(HIDDEN.fullmatch(text) for text in row)
