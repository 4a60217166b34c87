"""The one error of the intake."""


class Malformed(ValueError):
    """What was handed in cannot be graded; the message tells the student what is wrong and what to do."""
