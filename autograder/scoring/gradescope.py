"""The results as Gradescope reads them: otter's own dictionary with every text written anew."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from autograder.verdict import Outcome, QuestionOutcome, Verdict

if TYPE_CHECKING:
    from otter.test_files import GradingResults


def gradescope_results(outcome: Outcome, results: GradingResults | None) -> dict[str, Any]:
    """A dictionary in Gradescope's results.json schema.

    Otter's `to_gradescope_dict` gives the frame and the numbers. Its texts quote the lines of hidden tests,
    so they are dropped and written anew. The schema's `execution_time` is left out, so that grading twice
    gives the same bytes.
    """
    outcome = outcome.as_shown()
    document: dict[str, Any] = {"tests": []}
    if results is not None:
        document = results.to_gradescope_dict(_otters_settings())
    numbers = {test["name"]: test for test in document["tests"]}
    document["tests"] = [_test(question, numbers.get(question.name, {})) for question in outcome.questions]
    document.pop("score", None)
    if outcome.verdict is not Verdict.GRADER_ERROR:  # a 0 for our own failure would be a mark
        document["score"] = round(outcome.score, 5)
    document["max_score"] = round(outcome.max_score, 5)
    document["output"] = _summary(outcome)
    document["visibility"] = "visible"
    document["stdout_visibility"] = "hidden"
    document["extra_data"] = {"verdict": str(outcome.verdict), "exercise": outcome.exercise}
    return document


@functools.cache
def _otters_settings() -> Any:
    from otter.run.run_autograder.autograder_config import AutograderConfig  # seconds to import

    return AutograderConfig({"show_hidden": True, "force_public_test_summary": False})


def _test(question: QuestionOutcome, numbers: dict[str, Any]) -> dict[str, Any]:
    lines = []
    for case in question.cases:
        lines.append(f"{'passed' if case.passed else 'not passed'}: {case.name}")
        if case.message:
            lines.append(f"    {case.message}")
    return {
        "name": question.name,
        "score": numbers.get("score", round(question.score, 5)),
        "max_score": numbers.get("max_score", round(question.max_score, 5)),
        "status": "passed" if all(case.passed for case in question.cases) else "failed",
        "visibility": "visible",
        "output": "\n".join(lines),
    }


def _summary(outcome: Outcome) -> str:
    head = f"{outcome.verdict}: {outcome.score:g} of {outcome.max_score:g} points"
    return f"{head}\n{outcome.message}" if outcome.message else head
