"""Where a gradebook is: a URL for SQLite or PostgreSQL, or simply a file; shown without its password."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from autograder.gradebook.models import BookRefused

FORMS = "give a file, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
SECRETS = ("password", "sslpassword")


def parse_address(text: str | Path) -> URL:
    """The URL that a file's name or a URL stands for.

    >>> parse_address("graded/gradebook.db").database, parse_address("postgresql://host/x").drivername
    ('graded/gradebook.db', 'postgresql+psycopg')
    """
    if isinstance(text, Path) or "://" not in text:
        return URL.create("sqlite", database=str(text))
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, ValueError):
        raise BookRefused(f"the gradebook's address cannot be read; {FORMS}") from None
    if backend == "sqlite":
        if not url.database or url.database == ":memory:" or url.database.startswith("file:") or url.query:
            raise BookRefused(f"a gradebook must be a plain file, got {mask(url)}; {FORMS}")
        return url.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise BookRefused(f"a gradebook lies in SQLite or PostgreSQL, not in {backend!r}; {FORMS}")


def mask(url: URL) -> str:
    """The URL as it may be shown.

    >>> mask(parse_address("postgresql://ada:secret@host/x?sslpassword=other"))
    'postgresql+psycopg://ada:***@host/x?sslpassword=***'
    """
    hidden = {name: "***" for name in SECRETS if name in url.query}
    return url.update_query_dict(hidden).render_as_string(hide_password=True).replace("%2A%2A%2A", "***")


def without_secrets(text: str, url: URL) -> str:
    """A driver's message on one line, with whatever is secret in the URL struck out."""
    secrets = [url.password, *(url.query.get(name) for name in SECRETS)]
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, "***")
    return " ".join(text.split())
