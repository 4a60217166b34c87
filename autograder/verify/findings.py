"""One thing that was checked, and how it stands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """The result of one check on one subject; `detail` says what is wrong, or what was measured."""

    subject: str
    check: str
    ok: bool
    detail: str = ""
