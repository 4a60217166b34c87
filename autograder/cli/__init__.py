"""The instructor's command `autograder`; each module here holds a few of its subcommands."""

from autograder.cli import book, course, explain, grade, insight
from autograder.cli.shared import main

__all__ = ["book", "course", "explain", "grade", "insight", "main"]
