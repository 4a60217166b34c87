"""The instructor's secret seed: tests draw inputs from it, so a leaked file holds no answer."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import platformdirs

VARIABLE = "CONVCOURSE_SECRET_SEED"


class SecretError(OSError):
    """The secret can neither be read nor made."""


def instructor_secret(given: int | None = None, folder: Path | None = None) -> int:
    """The seed `given`, or the one kept in the instructor's own configuration folder, made on first use."""
    if given is not None:
        if given < 0:
            raise SecretError(f"a secret seed must be at least 0, got {given}")
        return given
    path = (folder or platformdirs.user_config_path("convcourse")) / "secret_seed"
    try:
        if not path.exists():
            _create(path)
        text = path.read_text(encoding="ascii").strip()
        if not text.isdecimal():
            raise SecretError(f"{path} does not hold a number; delete it and a new one is made")
        return int(text)
    except SecretError:
        raise
    except OSError as error:
        raise SecretError(f"{path} cannot be used ({error}); give a seed with --secret-seed") from None


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another grader was faster; its secret serves as well
    with os.fdopen(handle, "w") as file:
        file.write(f"{secrets.randbits(62)}\n")


def seed_for(secret: int, *what: str) -> int:
    """A number below 2**32 for one purpose, from which the secret cannot be found.

    >>> seed_for(1, "q1") == seed_for(1, "q1") != seed_for(1, "q2")
    True
    """
    text = "\0".join([str(secret), *what])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


@contextlib.contextmanager
def secret_in_environment(secret: int) -> Iterator[None]:
    """Let the hidden tests see the secret, and nobody after them."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(secret)
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
