"""The files for other programs hold the right grade for the right person, and no cell is a formula."""

import csv
import io
import json

import pytest
from gradebook_samples import EXERCISE, a_record, an_attempt
from hypothesis import given
from hypothesis import strategies as st

from autograder.course import CourseError, CourseExercise
from autograder.gradebook import BookError, Points, open_gradebook
from autograder.gradebook.csv_input import CsvError, read_csv
from autograder.gradebook.exports import Table, canvas_table, csv_table, moodle_table, write_gradescope
from autograder.gradebook.final import Final, StudentGrades, class_grades
from autograder.policy import HandIn, Policy
from autograder.verdict import Verdict

OTHER = "05_y"
EXERCISES = (
    CourseExercise(EXERCISE, "Stride and padding", 4.0, "notebook"),
    CourseExercise(OTHER, "Pooling", 10.0, "notebook"),
)


def student_grades(student: str, score: float | None = 3.5, other: float | None = None) -> StudentGrades:
    finals = {EXERCISE: Final(score, 4.0)}
    return StudentGrades(student, finals if other is None else finals | {OTHER: Final(other, 10.0)})


def rows(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.to_csv()), delimiter=table.delimiter))


@pytest.fixture
def roster(tmp_path):
    def write(text: str):
        path = tmp_path / "roster.csv"
        path.write_text(text, encoding="utf-8")
        return read_csv(path)

    return write


def test_the_grades_of_a_class_is_each_students_final_grade(address):
    with open_gradebook(address) as book:
        book.add(an_attempt(b"1", "Zoe/10"), a_record(b"1", (1.0, 1.0)), b"1")
        book.add(an_attempt(b"2", "Zoe/9", hours=5), a_record(b"2", (2.0, 2.0)), b"2")
        book.add(an_attempt(b"3", "ada"), a_record(b"3", verdict=Verdict.GRADER_ERROR), b"3")
        book.add_points([Points("Bob", EXERCISE, "q1", 1.0, "on paper", "Eve")])
        last = CourseExercise(EXERCISE, "Stride and padding", 4.0, "notebook", policy=Policy(attempts="last"))
        pattern = HandIn(r"(?P<student>\w+)/(?P<attempt>\d+)")
        found = {s.student: s.finals[EXERCISE].score for s in class_grades(book, [last], pattern)}
        assert found == {"ada": None, "Bob": 1.0, "Zoe": 2.0}
        assert list(found) == ["ada", "Bob", "Zoe"], "as people sort names"
        (zoe,) = class_grades(book, [last], HandIn(), "Zoe")
        assert zoe.finals[EXERCISE].attempt.attempt.name == "Zoe/9", "without a pattern the time decides"


def test_extra_credit_for_a_question_that_there_is_not_is_refused(tmp_path, address):
    exercise = CourseExercise(
        EXERCISE, "T", 4.0, "x", root=tmp_path, policy=Policy(extra_credit=(("q8", 2.0),))
    )
    (exercise.bundle / "tests").mkdir(parents=True)
    (exercise.bundle / "tests" / "q1.py").touch()
    with (
        open_gradebook(address) as book,
        pytest.raises(CourseError, match=r"extra_credit = {q8 = 2}, but its questions are q1"),
    ):
        class_grades(book, [exercise], HandIn())


def test_the_plain_table_tells_where_a_grade_comes_from(address):
    with open_gradebook(address) as book:
        book.add(an_attempt(), a_record(), b"one")
        book.add(an_attempt(b"two", "Bob"), a_record(b"two", verdict=Verdict.GRADER_ERROR), b"two")
        head, ada, bob = rows(csv_table(class_grades(book, EXERCISES, HandIn())))
    assert dict(zip(head, ada, strict=True)) == {
        "student": "Ada",
        "exercise": EXERCISE,
        "score": "3",
        "max_score": "4",
        "attempt": "Ada/first",
        "submitted_at": "2027-03-01T12:00:00+00:00",
        "late_percent": "0",
        "extra_credit": "0",
        "by_hand": "0",
        "explanation": "Ada/first: graded, the tests give 3 of 4",
    }
    assert bob[2] == "" and "grade it again" in bob[-1]


CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Stride and padding (4242),Essay (77),Final Score
,,,,,Manual Posting,,
    Points Possible,,,,,4.00,10.00,(read only)
"Lovelace, Ada",101,S1,ada@uni.example,A,1.00,-3,88
"O'Brien, Pat",102,S2,pat,A,2.00,,
"Bobson, =Bob",103,S3,bob,"=cmd|' /C calc'!A1",EX,,
"Student, Test",999,,,A,,,
"""


def test_canvas_gets_its_own_export_with_our_columns_filled_in(roster):
    class_ = [
        student_grades("ada", 3.5, 9.25),
        student_grades("O_Brien, Pat", None),
        student_grades("S3", 4.0),
        student_grades("zoe"),
    ]
    table = canvas_table(class_, EXERCISES, roster(CANVAS))
    head, hidden, points, ada, pat, bob, test = rows(table)
    assert head == [*CANVAS.split("\n")[0].split(","), "Pooling"]
    assert hidden == ["", "", "", "", "", "Manual Posting", "", "", ""]
    assert points == ["    Points Possible", "", "", "", "", "4.00", "10.00", "(read only)", "10"]
    assert ada == ["Lovelace, Ada", "101", "S1", "ada@uni.example", "A", "3.5", "-3", "88", "9.25"]
    assert pat == ["O'Brien, Pat", "102", "S2", "pat", "A", "2.00", "", "", ""], "no grade takes none away"
    assert bob[:4] == ["Bobson, =Bob", "103", "S3", "bob"] and bob[5] == "4" and bob[4].startswith("'=cmd")
    assert test[5] == ""
    assert table.warnings == ("zoe: not in roster.csv",)


def test_canvas_is_told_of_points_that_do_not_agree(roster):
    table = canvas_table([], EXERCISES, roster(CANVAS.replace("4.00", "100")))
    assert table.warnings == (f"{EXERCISE}: Canvas says 100 points are possible, the course 4",)


def test_canvas_semicolons_and_missing_points_row(roster):
    text = "Student;ID;SIS Login ID;Section\nLovelace, Ada;101;ada;A\n"
    table = canvas_table([student_grades("Ada Lovelace", 2 / 3)], EXERCISES, roster(text))
    assert table.to_csv().splitlines() == [
        "Student;ID;SIS Login ID;Section;Stride and padding;Pooling",
        "    Points Possible;;;;4;10",
        "Lovelace, Ada;101;ada;A;0.6667;",
    ]


def test_canvas_without_a_roster_says_what_is_missing():
    table = canvas_table([student_grades("=Ada")], EXERCISES, None)
    assert rows(table) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Stride and padding", "Pooling"],
        ["    Points Possible", "", "", "", "", "4", "10"],
        ["'=Ada", "", "", "", "", "3.5", ""],
    ]
    assert "without --roster" in table.warnings[0]


def test_two_hand_ins_of_one_person_are_refused(roster):
    with pytest.raises(CsvError, match=r"line 4: both 'ada' and 'Ada Lovelace' are this person"):
        canvas_table([student_grades("ada"), student_grades("Ada Lovelace")], EXERCISES, roster(CANVAS))


def test_a_name_that_two_people_have_is_nobody(roster):
    text = 'Student,ID\n"Lee, Kim",1\n"Kim, Lee",2\n'
    table = canvas_table([student_grades("Kim Lee"), student_grades("2")], EXERCISES, roster(text))
    assert table.warnings == ("Kim Lee: more than once in roster.csv",)
    assert [row[2] for row in rows(table)[2:]] == ["", "3.5"]


def test_what_is_no_canvas_export_is_refused(roster):
    with pytest.raises(CsvError, match="has no column 'ID'"):
        canvas_table([], EXERCISES, roster("Name,Email\n"))


MOODLE = """\
First name,Last name,ID number,Email address,Assignment: Stride and padding (Real),Last downloaded
Ada,Lovelace,7001,ada@uni.example,-,1800000000
Pat,"=O'Brien",7002,pat@uni.example,3.00,1800000000
Kim,Lee,,kim@uni.example,-,1800000000
"""


def test_moodle_gets_people_by_address_and_only_those_with_a_grade(roster):
    class_ = [
        student_grades("ada", 3.5),
        student_grades("7002", 1.0, 10.0),
        student_grades("Lee Kim", None),
        student_grades("zoe"),
    ]
    table = moodle_table(class_, EXERCISES, roster(MOODLE))
    assert rows(table) == [
        [
            "First name",
            "Last name",
            "Email address",
            "ID number",
            "Assignment: Stride and padding (Real)",
            "Pooling",
        ],
        ["Ada", "Lovelace", "ada@uni.example", "7001", "3.5", "-"],
        ["Pat", "'=O'Brien", "pat@uni.example", "7002", "1", "10"],
    ]
    assert table.warnings == ("zoe: not in roster.csv",)


def test_a_short_list_for_moodle_is_enough(roster):
    table = moodle_table([student_grades("ada")], EXERCISES[:1], roster("email,idnumber\nada@x.example,1\n"))
    assert rows(table) == [
        ["Email address", "ID number", "Stride and padding"],
        ["ada@x.example", "1", "3.5"],
    ]


def test_moodle_without_a_list_that_names_people_is_refused(roster):
    with pytest.raises(CsvError, match="--roster FILE"):
        moodle_table([], EXERCISES, None)
    with pytest.raises(CsvError, match="none of the columns Email address"):
        moodle_table([], EXERCISES, roster("First name,Last name\nAda,Lovelace\n"))


def test_gradescope_gets_a_results_json_for_each_attempt(address, tmp_path):
    with open_gradebook(address) as book:
        book.add(an_attempt(b"1"), a_record(b"1", (1.0,)), b"1")
        book.add(an_attempt(b"2"), a_record(b"2", (2.0,)), b"2")
        book.add(an_attempt(b"3", "Bob"), a_record(b"3"), b"3")
        book.add(an_attempt(b"4", "Zoe"), None, b"4")
        written, notes = write_gradescope(book, EXERCISES[:1], tmp_path / "out")
    found = {
        p.parent.relative_to(tmp_path / "out").as_posix(): json.loads(p.read_text())
        for p in tmp_path.rglob("*.json")
    }
    assert written == 3 and len(found) == 3
    assert found[f"{EXERCISE}/Bob"]["score"] == 3
    assert sorted(results["score"] for name, results in found.items() if "Ada/first-" in name) == [1, 2]
    assert notes == [
        "Zoe is not graded yet: grade it again",
        f"{EXERCISE} has no autograder.zip; run 'autograder build {EXERCISE}'",
    ]


@pytest.mark.parametrize("name", ["../../out", "/etc/x", "a/../../b", ".."])
def test_a_name_never_leads_out_of_the_folder(address, tmp_path, name):
    with open_gradebook(address) as book:
        book.add(an_attempt(), a_record(), b"one")
        book.add(an_attempt(b"two", name), a_record(b"two"), b"two")
        with pytest.raises(BookError, match="not a folder below the output; nothing was written"):
            write_gradescope(book, EXERCISES[:1], tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("*.json"))


EVIL = st.text(st.characters(codec="utf-8"), max_size=8).flatmap(
    lambda tail: st.sampled_from(["=", "+", "-", "@", "\t=", "|", "%", "\r@", "\n="]).map(
        lambda head: head + tail
    )
)


@given(EVIL)
def test_no_name_becomes_a_formula_in_any_format(name):
    for table in (csv_table([student_grades(name)]), canvas_table([student_grades(name)], EXERCISES, None)):
        for row in rows(table):
            assert not row[0].startswith(("=", "+", "-", "@", "\t", "\r", "|", "%"))
