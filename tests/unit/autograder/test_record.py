import pytest

from autograder.record import Key, Record, RecordError
from autograder.verdict import CaseOutcome, CellOutcome, Outcome, QuestionOutcome, Verdict

CELL = CellOutcome(1, "print('ü')", "error", "ü\ud800", "ZeroDivisionError", (b"\x89PNG\x00",), 0.25)
QUESTION = QuestionOutcome("q1", 1.5, 2.0, (CaseOutcome("a", True, False, 0.5, "look at the stride"),))
OUTCOME = Outcome("Ada", "04_x", Verdict.TIME_LIMIT, 1.5, 2.0, 0.3, "slow", (QUESTION,), (CELL,))
RECORD = Record(Key("04_x", "a" * 64, "b" * 64, "c" * 64), OUTCOME, {"score": 1.5, "tests": []})


def test_a_record_comes_back_as_it_went():
    assert Record.from_bytes(RECORD.to_bytes()) == RECORD


def test_equal_records_are_equal_bytes():
    again = Record.from_bytes(RECORD.to_bytes())
    assert again.to_bytes() == RECORD.to_bytes()


@pytest.mark.parametrize("data", [b"", b"{}", RECORD.to_bytes()[:-5], b"\x80\x04."])
def test_anything_else_is_refused_in_words(data):
    with pytest.raises(RecordError, match="no grading can be read"):
        Record.from_bytes(data)
