"""What can keep a class from being graded to its end. What was graded by then is kept, every time."""


class NotKept(RuntimeError):
    """All is graded and written, but the gradebook did not take all of it; the rest waits in a folder."""


class ClusterError(RuntimeError):
    """The cluster does not answer, or is gone; the message says what to do."""


class ClusterRefused(ClusterError):
    """The cluster would not be safe to use as it is."""
