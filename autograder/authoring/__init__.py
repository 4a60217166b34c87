"""From a master to everything made from it: notebook, public tests, hidden bundle, examples."""

from autograder.authoring.errors import BuildError
from autograder.authoring.render import Rendered, render
from autograder.authoring.write import build_exercise, stale_files, write

__all__ = ["BuildError", "Rendered", "build_exercise", "render", "stale_files", "write"]
