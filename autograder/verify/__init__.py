"""The course's own integrity: what `autograder verify` checks."""

from autograder.verify.findings import Finding
from autograder.verify.run import verify_exercise
from autograder.verify.structure import check_structure

__all__ = ["Finding", "check_structure", "verify_exercise"]
