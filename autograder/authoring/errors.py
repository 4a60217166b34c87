"""What goes wrong in a build is said to the author of a master in one sentence."""


class BuildError(ValueError):
    """A master, its tests or its examples are not as the course's format asks."""
