"""grades.csv is read by spreadsheets and scripts: plain cells, stable columns, whole files."""

import csv
import json

import pytest

from autograder.gradebook import COLUMNS, write_grades, write_results
from autograder.verdict import Outcome, Verdict


def outcome(name="ada", verdict=Verdict.GRADED, message="", score=3.5):
    return Outcome(name, "00_tiny", verdict, score, 6.0, 1.26, message)


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_columns_and_numbers(tmp_path):
    write_grades(tmp_path / "grades.csv", [outcome()])
    (row,) = rows(tmp_path / "grades.csv")
    assert tuple(row) == COLUMNS
    assert row == {
        "submission": "ada",
        "exercise": "00_tiny",
        "verdict": "graded",
        "score": "3.5",
        "max_score": "6",
        "seconds": "1.3",
        "message": "",
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "|", "%"])
def test_no_cell_is_a_formula(tmp_path, start):
    evil = f'{start}HYPERLINK("http://example.org","click")'
    write_grades(tmp_path / "grades.csv", [outcome(name=evil, message=evil)])
    (row,) = rows(tmp_path / "grades.csv")
    for cell in (row["submission"], row["message"]):
        assert cell.startswith("'") and cell[1] in "=+-@|%"


def test_a_message_of_several_lines_stays_one_line_of_the_file(tmp_path):
    write_grades(tmp_path / "grades.csv", [outcome(message='one\ntwo, "three"\x00\x1b[31m')])
    assert len((tmp_path / "grades.csv").read_text().splitlines()) == 2
    assert rows(tmp_path / "grades.csv")[0]["message"] == 'one two, "three"'


def test_our_own_failure_writes_no_score(tmp_path):
    write_grades(tmp_path / "grades.csv", [outcome(verdict=Verdict.GRADER_ERROR, score=0.0)])
    assert rows(tmp_path / "grades.csv")[0]["score"] == ""


def test_results_are_strict_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_results(tmp_path / "results.json", {"score": float("nan")})
    write_results(tmp_path / "results.json", {"score": 1, "output": "é"})
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == {"score": 1, "output": "é"}
