"""What the grader's short words mean to a student."""

from autograder.verdict import Verdict

# verdict: a label, and one sentence on what happened and what counts all the same.
VERDICTS = {
    Verdict.GRADED: ("Graded", ""),
    Verdict.TIME_LIMIT: (
        "Time limit",
        "Something in your notebook ran for too long and was stopped. What could be graded was graded.",
    ),
    Verdict.MEMORY_LIMIT: (
        "Memory limit",
        "Something in your notebook asked for too much memory and was stopped. What could be"
        " graded was graded.",
    ),
    Verdict.OUTPUT_LIMIT: (
        "Output limit",
        "Something in your notebook printed far too much and was stopped. What could be graded was graded.",
    ),
    Verdict.CRASHED: (
        "Crashed",
        "Your notebook's process ended unexpectedly. It was started again without the cell that"
        " did it, and what could be graded was graded.",
    ),
    Verdict.MALFORMED: (
        "Cannot be read",
        "What you handed in could not be read as a submission, so nothing was graded yet. Fix"
        " it as said below and hand it in again.",
    ),
    Verdict.GRADER_ERROR: (
        "Grader error",
        "The grader itself failed. This is not your mistake and costs you nothing: your"
        " instructor has been told and"
        " will grade your submission again.",
    ),
}

# status of a cell: what to say next to it; an empty text says nothing.
CELL_STATUS = {
    "ok": "",
    "error": "stopped with an error",
    "time-limit": "stopped: it ran for too long",
    "memory-limit": "stopped: it asked for too much memory",
    "output-limit": "stopped: it printed too much",
    "crashed": "the process ended here",
    "skipped": "not run while grading",
}


def sentence_case(text: str) -> str:
    """A message, which begins with a small letter in a table, as it begins on a page.

    >>> sentence_case("the zip is damaged"), sentence_case("network.onnx is missing")
    ('The zip is damaged', 'network.onnx is missing')
    """
    first = text.split(" ", 1)[0]
    return text if "." in first else text[:1].upper() + text[1:]
