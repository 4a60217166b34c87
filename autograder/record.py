"""One grading on record: what was graded, by which tests and which grader, and all that was found.

A record is what a worker sends home and what the gradebook keeps. Feedback, results.json, reports and
explanations are made from it, so that none of them needs the submission to be run again.
"""

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

from autograder.verdict import (
    CaseOutcome,
    CellOutcome,
    NetworkOutcome,
    Outcome,
    QuestionOutcome,
    Verdict,
)


class RecordError(ValueError):
    """Bytes that are not a record."""


@dataclass(frozen=True)
class Key:
    """What a grade depends on; the last three are SHA-256 in hexadecimal.

    Equal keys mean equal grades: `submission` is the hash of the bytes handed in, `tests` of the exercise's
    hidden tests and the instructor's secret, `grader` of the code, limits and libraries that grade.
    """

    exercise: str
    submission: str
    tests: str
    grader: str


@dataclass(frozen=True)
class Record:
    """An outcome, and the same as Gradescope's results.json has it."""

    key: Key
    outcome: Outcome
    results: dict[str, Any]

    def to_bytes(self) -> bytes:
        """The record as compressed JSON; equal records give equal bytes."""
        text = json.dumps(vars(self), default=_plain, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return zlib.compress(text.encode("utf-8", "surrogatepass"), level=6)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Record":
        """Read what `to_bytes` wrote; raises `RecordError` for anything else."""
        try:
            document = json.loads(zlib.decompress(data).decode("utf-8", "surrogatepass"))
            return cls(Key(**document["key"]), _outcome(document["outcome"]), document["results"])
        except (zlib.error, ValueError, TypeError, KeyError) as error:
            raise RecordError(f"no grading can be read from these {len(data)} bytes: {error}") from None


def _plain(part: Any) -> Any:
    """What JSON has no form for: images, and the parts of a record."""
    return base64.b64encode(part).decode() if isinstance(part, bytes) else vars(part)


def _outcome(row: dict[str, Any]) -> Outcome:
    questions = tuple(
        QuestionOutcome(
            **{
                **question,
                "cases": tuple(CaseOutcome(**case) for case in question["cases"]),
                "missing": tuple(question.get("missing", ())),
            }
        )
        for question in row["questions"]
    )
    cells = tuple(
        CellOutcome(**{**cell, "images": tuple(base64.b64decode(image) for image in cell["images"])})
        for cell in row["cells"]
    )
    network = NetworkOutcome(**row["network"]) if row.get("network") else None
    read = {
        "verdict": Verdict(row["verdict"]),
        "questions": questions,
        "cells": cells,
        "network": network,
    }
    return Outcome(**{**row, **read})
