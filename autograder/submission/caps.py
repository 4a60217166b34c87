"""How large anything handed in may be. Sizes are in bytes and counted while reading, never believed."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Caps:
    """The limits on one submission, all far above what an honest one needs."""

    zip_bytes: int = 64 * MIB
    zip_entries: int = 500
    unpacked_bytes: int = 128 * MIB
    notebook_bytes: int = 20 * MIB
    notebook_marks: int = 2_000_000
    """Commas and brackets in the JSON: each may cost a hundred bytes of memory once it is parsed."""
    artifact_bytes: int = 16 * MIB
    cells: int = 500
    source_bytes: int = 1 * MIB
    tags: int = 32


CAPS = Caps()


def in_mib(size: int) -> str:
    """A size as a message says it.

    >>> in_mib(20 * MIB)
    '20 MiB'
    """
    return f"{size / MIB:.3g} MiB"
