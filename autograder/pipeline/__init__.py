"""Grades submissions: one by one in `one.py`, a class at a time in `many.py`, on one machine or many."""

from typing import TYPE_CHECKING, Any

from autograder.pipeline.errors import ClusterError, ClusterRefused, NotKept

if TYPE_CHECKING:
    from autograder.pipeline.again import RegradePlan, regrade
    from autograder.pipeline.many import grade_many

__all__ = ["ClusterError", "ClusterRefused", "NotKept", "RegradePlan", "grade_many", "regrade"]


def __getattr__(name: str) -> Any:
    # The processes that grade are of this package too, and have no use for the gradebook's database.
    if name in ("RegradePlan", "regrade"):
        from autograder.pipeline import again

        return getattr(again, name)
    if name == "grade_many":
        from autograder.pipeline.many import grade_many

        return grade_many
    raise AttributeError(f"{__name__} has no {name}")
