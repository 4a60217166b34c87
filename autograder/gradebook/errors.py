"""What can be wrong with a gradebook; every message names it and says what to do."""


class BookError(Exception):
    """The gradebook cannot do what was asked; nothing was changed."""


class BookRefused(BookError):
    """The database is damaged, foreign, of a newer schema or not writable: trying again will not help."""


class BookUnavailable(BookError):
    """The database stayed locked or gone for as long as we wait; trying again later may help."""
