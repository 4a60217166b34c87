"""Runs the hidden tests in the grader's process, with otter's own classes, and adds up what passed."""

from autograder.scoring.artifacts import (
    LOG_NAME,
    NETWORK_NAME,
    RESERVED,
    ArtifactError,
    StillJudged,
    SubmittedNetwork,
    judge_artifacts,
)
from autograder.scoring.gradescope import gradescope_results
from autograder.scoring.score import Scored, ScoringError, prepare, score
from autograder.scoring.secret import SecretError, instructor_secret, is_practice, seed_for
from autograder.scoring.training_log import summary

__all__ = [
    "LOG_NAME",
    "NETWORK_NAME",
    "RESERVED",
    "ArtifactError",
    "Scored",
    "ScoringError",
    "SecretError",
    "StillJudged",
    "SubmittedNetwork",
    "gradescope_results",
    "instructor_secret",
    "is_practice",
    "judge_artifacts",
    "prepare",
    "score",
    "seed_for",
    "summary",
]
