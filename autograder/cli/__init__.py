"""The instructor's command `autograder`; each module here holds a few of its subcommands."""

from autograder.cli import course, explain, grade, gradebook, insight
from autograder.cli.shared import main

__all__ = ["course", "explain", "grade", "gradebook", "insight", "main"]
