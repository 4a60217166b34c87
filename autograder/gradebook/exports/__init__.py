"""Final grades in the forms that other programs import; each module writes one."""

from autograder.gradebook.exports.canvas import canvas_table
from autograder.gradebook.exports.gradescope import write_gradescope
from autograder.gradebook.exports.moodle import moodle_table
from autograder.gradebook.exports.plain_csv import csv_table
from autograder.gradebook.exports.table import Table

__all__ = ["Table", "canvas_table", "csv_table", "moodle_table", "write_gradescope"]
