"""The shell of every page that the grader writes: one file, no script, nothing asked of anywhere else.

A room that writes pages keeps its templates and its one style sheet next to its code. The templates extend
`layout.html`, whose content security policy lets the browser apply that style sheet, known by its hash, and
nothing more; a page with figures may show those that it holds as data.
"""

import base64
import hashlib
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from autograder.text import excerpt, one_line, percent, points


def render(package: str, template: str, *, images: bool = False, **values: Any) -> str:
    """The page `template` of `package` with `values`, all of them escaped.

    `images` lets it show pictures that are part of it as data URLs.
    """
    style = _style(package)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        *(["img-src data:"] if images else []),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    page = _templates(package).get_template(template)
    return page.render(**values, style=Markup(style), policy=Markup("; ".join(policy)))


def shown_time(moment: datetime | None) -> str:
    """A moment as a person reads it, with its offset.

    >>> from datetime import UTC
    >>> shown_time(datetime(2026, 3, 1, 9, 5, tzinfo=UTC)), shown_time(None)
    ('2026-03-01 09:05 UTC', 'at an unknown time')
    """
    return f"{moment:%Y-%m-%d %H:%M %Z}".rstrip() if moment else "at an unknown time"


def _shown_seconds(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.2f}"


@cache
def _style(package: str) -> str:
    """The style sheet exactly as it is in the page, whose policy names its hash."""
    (sheet,) = (file for file in files(package).iterdir() if file.name.endswith(".css"))
    return sheet.read_text(encoding="utf-8")


@cache
def _templates(package: str) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(name, "") for name in (package, "autograder")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "points": points,
        "percent": percent,
        "seconds": _shown_seconds,
        "line": one_line,
        "excerpt": excerpt,
        "time": shown_time,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
    }
    return environment
