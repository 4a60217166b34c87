"""What an instructor hands over as CSV: times, points by hand, rosters."""

import os
from datetime import UTC, datetime

import pytest

from autograder.gradebook.csv_input import CsvError, read_csv, read_points, read_times, submitted_at
from autograder.gradebook.models import Points

QUESTIONS = {"04_x": ("q1", "q2"), "05_y": ("q1",)}
STUDENTS = {"Ada", "Bob"}


@pytest.fixture
def sheet(tmp_path):
    def write(text: str | bytes):
        path = tmp_path / "given.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("between", [",", ";"])
def test_a_sheet_is_read_as_spreadsheets_write_it(sheet, start, end, between):
    lines = ["Name|Note", 'Ada|"two', 'lines, and a comma"', "|", "Bob"]
    found = read_csv(sheet(start + end.join(lines).replace("|", between)), ("name",))
    assert found.columns == ("Name", "Note") and found.column("NOTE") == 1 and found.delimiter == between
    assert found.rows == ((3, ("Ada", f"two{end}lines, and a comma")), (5, ("Bob",)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "lacks the column 'student'; .* names nothing"),
        ("a,b\n", "lacks the column 'student'; its first line must name student, and it names a, b"),
        (b"student\n\xff\xfe\n", "not UTF-8"),
        ('student\n"open\n', "line 2"),
        ("student\nAda,Bob\n", "line 2: 2 cells, but the first line names 1"),
    ],
)
def test_a_sheet_that_cannot_be_right_is_refused(sheet, data, message):
    with pytest.raises(CsvError, match=message):
        read_csv(sheet(data), ("student",))


def test_a_sheet_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CsvError, match=r"none.csv cannot be read"):
        read_csv(tmp_path / "none.csv")


def test_times_are_read_by_name(sheet):
    times = read_times(
        sheet("submission,submitted_at\nAda/first,2027-03-01T13:00:00+01:00\nBob,2027-03-01 12:00Z\n")
    )
    noon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert times == {"Ada/first": noon, "Bob": noon}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Ada,2027-03-01T13:00:00", "line 3: submitted_at is '2027-03-01T13:00:00', but .* with an offset"),
        ("Ada,yesterday", "line 3: submitted_at is 'yesterday'"),
        ("Ada", "line 3: submitted_at is ''"),
        (",2027-03-01T13:00:00Z", "line 3: the submission's name is missing"),
        ("Zoe,2027-03-01T13:00:00Z", "line 3: 'Zoe' has a time already"),
    ],
)
def test_a_time_that_cannot_be_right_is_refused_with_its_line(sheet, line, message):
    with pytest.raises(CsvError, match=message):
        read_times(sheet(f"submission,submitted_at\nZoe,2027-03-01T13:00:00Z\n{line}\n"))


def test_a_time_is_found_by_name_or_file_and_else_is_the_files_own(tmp_path):
    path = tmp_path / "first.ipynb"
    path.touch()
    os.utime(path, (1_000_000_000, 1_000_000_000))
    noon = datetime(2027, 3, 1, 12, tzinfo=UTC)
    for key in ("Ada/first", "Ada/first.ipynb", "first.ipynb"):
        assert submitted_at("Ada/first", path, {key: noon}) == noon
    assert submitted_at("Ada/first", path, {"Bob/first": noon}) == datetime.fromtimestamp(1_000_000_000, UTC)
    assert submitted_at("Ada/first", tmp_path / "gone.ipynb", {}) is None


HEAD = "student,exercise,question,points,reason,by\n"


def test_points_are_read(sheet):
    given = read_points(sheet(f'{HEAD}Ada,04_x,q2,-0.5,"too, long",Eve\n'), QUESTIONS, STUDENTS)
    assert given == [Points("Ada", "04_x", "q2", -0.5, "too, long", "Eve")]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Zoe,04_x,q1,1,why,Eve", "line 3: no student is called 'Zoe'; there are: Ada, Bob"),
        ("Ada,99_z,q1,1,why,Eve", "line 3: no exercise is called '99_z'; there are: 04_x, 05_y"),
        ("Ada,05_y,q2,1,why,Eve", "line 3: no question of 05_y is called 'q2'; there are: q1"),
        ("Ada,04_x,q1,nan,why,Eve", "line 3: points is 'nan', but it must be a finite number"),
        ("Ada,04_x,q1,-inf,why,Eve", "line 3: points is '-inf'"),
        ("Ada,04_x,q1,one,why,Eve", "line 3: points is 'one'"),
        ("Ada,04_x,q1,1,,Eve", "line 3: reason is empty"),
        ("Ada,04_x,q1,1,why", "line 3: by is empty"),
    ],
)
def test_points_that_cannot_be_right_are_refused_with_their_line(sheet, line, message):
    with pytest.raises(CsvError, match=message):
        read_points(sheet(f"{HEAD}Ada,04_x,q1,1,why,Eve\n{line}\n"), QUESTIONS, STUDENTS)
