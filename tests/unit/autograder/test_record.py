import json
import zlib
from dataclasses import replace

import pytest

from autograder.record import Key, Record, RecordError
from autograder.verdict import (
    CaseOutcome,
    CellOutcome,
    NetworkOutcome,
    Outcome,
    QuestionOutcome,
    Verdict,
)

CELL = CellOutcome(1, "print('ü')", "error", "ü\ud800", "ZeroDivisionError", (b"\x89PNG\x00",), 0.25)
QUESTION = QuestionOutcome("q1", 1.5, 2.0, (CaseOutcome("a", True, False, 0.5, "look at the stride"),))
OUTCOME = Outcome("Ada", "04_x", Verdict.TIME_LIMIT, 1.5, 2.0, 0.3, "slow", (QUESTION,), (CELL,))
RECORD = Record(Key("04_x", "a" * 64, "b" * 64, "c" * 64), OUTCOME, {"score": 1.5, "tests": []})


def test_a_record_comes_back_as_it_went():
    assert Record.from_bytes(RECORD.to_bytes()) == RECORD


def test_a_record_of_a_network_comes_back_as_it_went():
    network = NetworkOutcome(19_316, 0.996, 0.996, 0.9958, 0.9955, "16 epochs")
    record = replace(RECORD, outcome=replace(OUTCOME, network=network))
    assert Record.from_bytes(record.to_bytes()) == record and record.outcome.as_shown().network == network


def test_equal_records_are_equal_bytes():
    again = Record.from_bytes(RECORD.to_bytes())
    assert again.to_bytes() == RECORD.to_bytes()


@pytest.mark.parametrize("data", [b"", b"{}", RECORD.to_bytes()[:-5], b"\x80\x04."])
def test_anything_else_is_refused_in_words(data):
    with pytest.raises(RecordError, match="no grading can be read"):
        Record.from_bytes(data)


def test_a_record_from_before_there_were_details_is_read():
    document = json.loads(zlib.decompress(RECORD.to_bytes()))
    for name in ("detail", "practice", "network"):
        del document["outcome"][name]
    for case in document["outcome"]["questions"][0]["cases"]:
        del case["detail"]
    old = zlib.compress(json.dumps(document).encode("utf-8", "surrogatepass"))
    assert Record.from_bytes(old) == RECORD


def test_what_a_student_is_shown_has_no_detail():
    case = CaseOutcome("a", True, False, 0.5, "look at the stride", "line 3: exit status 51")
    full = replace(
        OUTCOME, detail="exit status 51", practice=True, questions=(replace(QUESTION, cases=(case,)),)
    )
    assert Record.from_bytes(replace(RECORD, outcome=full).to_bytes()).outcome == full
    assert full.as_shown() == replace(OUTCOME, practice=True)
