"""An explanation as a page."""

from datetime import datetime

from autograder.report.explain import CELL_WORDS, Explanation, why
from autograder.report.page import render


def render_explanation(explanation: Explanation, made_at: datetime) -> str:
    """The page as text."""
    return render(
        "explain.html", explanation=explanation, why=why(explanation), words=CELL_WORDS, made_at=made_at
    )
