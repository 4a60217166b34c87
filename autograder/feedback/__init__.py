"""feedback.html: what a student reads after grading."""

from autograder.feedback.page import render_feedback, write_feedback

__all__ = ["render_feedback", "write_feedback"]
