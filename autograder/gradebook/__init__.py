"""Writes what was found: one line a submission in grades.csv, one results.json a submission."""

from autograder.gradebook.grades import COLUMNS, write_grades
from autograder.gradebook.results import write_results

__all__ = ["COLUMNS", "write_grades", "write_results"]
