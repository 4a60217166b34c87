"""What an instructor learns from a graded class: a report, similar notebooks, and why a score is what it is.

Everything is made from records; nothing is run again.
"""

from autograder.report.class_page import feedback_links, render_class, shown_names
from autograder.report.explain import (
    AttemptLine,
    Explanation,
    GradingLine,
    Today,
    explain,
    render_explanation,
)
from autograder.report.explain_text import print_explanation
from autograder.report.page import write_page
from autograder.report.similarity import THRESHOLD, Notebook, Similarity, code_cells, compare
from autograder.report.similarity_page import render_similarity
from autograder.report.sources import CaseSource, read_sources
from autograder.report.summary import Entry, Summary, summarize

__all__ = [
    "THRESHOLD",
    "AttemptLine",
    "CaseSource",
    "Entry",
    "Explanation",
    "GradingLine",
    "Notebook",
    "Similarity",
    "Summary",
    "Today",
    "code_cells",
    "compare",
    "explain",
    "feedback_links",
    "print_explanation",
    "read_sources",
    "render_class",
    "render_explanation",
    "render_similarity",
    "shown_names",
    "summarize",
    "write_page",
]
