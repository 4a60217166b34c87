"""Grades submissions: one in `grade_one.py`, a class in `grade_batch.py`, on one machine or many.

The processes that grade are of this package too and have no use for the gradebook's database, so
callers import the module that they need.
"""

from autograder.pipeline.errors import ClusterError, ClusterRefused, NotKept

__all__ = ["ClusterError", "ClusterRefused", "NotKept"]
