"""The limits of a profile, read from `limits.toml` and checked."""

import tomllib
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

LIMITS_FILE = Path(__file__).with_name("limits.toml")


@dataclass(frozen=True)
class Limits:
    """What one submission may use; `limits.toml` gives each field's reason. Units are in the names."""

    memory_mib: int
    scratch_mib: int
    file_mib: int
    cell_s: float
    wall_s: float
    late_cell_s: float
    cells_s: float
    call_s: float
    calls_wall_s: float
    start_s: float
    grace_s: float
    processes: int
    open_files: int
    stack_mib: int
    cpu_s: int
    text_kib: int
    flood_kib: int
    images_kib: int
    stray_kib: int
    restarts: int
    model_kib: int = 1024
    model_wall_s: float = 60
    model_batch: int = 500
    model_threads: int = 2


@dataclass(frozen=True)
class ForkserverLimits:
    """What holds for the forkserver itself, which runs no student code."""

    start_s: float
    scratch_mib: int
    forks: int


@cache
def load_forkserver_limits(path: Path = LIMITS_FILE) -> ForkserverLimits:
    """The table `[forkserver]`."""
    return ForkserverLimits(**tomllib.loads(path.read_text(encoding="utf-8"))["forkserver"])


@cache
def load_limits(profile: str, path: Path = LIMITS_FILE) -> Limits:
    """The limits called `profile`.

    Raises ValueError where the profile is unknown, or a field is missing, unknown or not a positive number.

    >>> load_limits("notebook").cell_s
    10
    """
    row = _inherited(tomllib.loads(path.read_text(encoding="utf-8")), profile, path.name)
    known = {field.name for field in fields(Limits)}
    needed = {field.name for field in fields(Limits) if field.default is MISSING}
    if unknown := set(row) - known:
        raise ValueError(f"{path.name} [{profile}] has unknown fields: {', '.join(sorted(unknown))}")
    if missing := needed - set(row):
        raise ValueError(f"{path.name} [{profile}] lacks: {', '.join(sorted(missing))}")
    for name, value in row.items():
        if type(value) not in (int, float) or value < 0 or (value == 0 and name != "restarts"):
            raise ValueError(f"{path.name} [{profile}] {name} must be a number above 0, got {value!r}")
    return Limits(**row)


def _inherited(tables: dict[str, Any], profile: str, file: str) -> dict[str, Any]:
    """The fields of a profile over those of the profile that it says it `inherits`."""
    profiles = sorted(set(tables) - {"forkserver"})
    if profile not in profiles:
        raise ValueError(f"no limits are called {profile!r}; {file} has: {', '.join(profiles)}")
    row = dict(tables[profile])
    if (base := row.pop("inherits", None)) is None:
        return row
    if base not in profiles or "inherits" in tables[base]:
        raise ValueError(
            f"{file} [{profile}] inherits {base!r}; it may inherit a profile that inherits nothing"
        )
    return {**tables[base], **row}
