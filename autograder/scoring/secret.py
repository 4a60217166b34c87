"""The instructor's secret, and the seeds that are made of it: no hidden input is known before it is sent.

Tests draw their inputs from the secret and from what enters the sandbox, so inputs that a student learns
serve nobody else and no second attempt. Seeds that are sent into the sandbox are made of public names alone:
what goes in there is known to the student.
"""

import contextlib
import functools
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import platformdirs

VARIABLE = "CONVCOURSE_SECRET_SEED"
KEPT_BITS = 256
LEAST_BITS = 120  # what nobody can find by trying; a smaller secret marks its records as practice
KEPT = re.compile(rf"[0-9a-f]{{{KEPT_BITS // 4}}}")


class SecretError(OSError):
    """The secret can neither be read nor made."""


def instructor_secret(given: int | None = None, folder: Path | None = None) -> int:
    """The seed `given`, or the one kept in the instructor's own configuration folder, made on first use."""
    if given is not None:
        if given < 0:
            raise SecretError(f"a secret seed must be at least 0, got {given}")
        return given
    path = kept_at(folder)
    try:
        if not path.exists():
            _create(path)
        return parse_secret(path.read_text(encoding="ascii"))
    except ValueError:
        raise SecretError(f"{path} does not hold a secret; delete it and a new one is made") from None
    except OSError as error:
        raise SecretError(f"{path} cannot be used ({error}); give a seed with --secret-seed") from None


def kept_at(folder: Path | None = None) -> Path:
    """The file that the secret is kept in."""
    return (folder or platformdirs.user_config_path("convcourse")) / "secret_seed"


def parse_secret(text: str) -> int:
    """A secret as it is kept and handed to workers: 64 hexadecimal digits, or a small one's decimal number.

    >>> parse_secret("7") == parse_secret(as_text(7)) == 7
    True
    """
    text = text.strip()
    if KEPT.fullmatch(text):
        return int(text, 16)
    if not text.isdecimal():
        raise ValueError("not a secret")
    return int(text)


def as_text(secret: int) -> str:
    """The secret as `parse_secret` reads it."""
    return f"{secret:0{KEPT_BITS // 4}x}"


def is_practice(secret: int) -> bool:
    """Whether a secret can be found by trying, as one that is typed can, so that no grade may rest on it.

    >>> is_practice(314159), is_practice(secrets.randbits(256) | 1 << 255)
    (True, False)
    """
    return secret.bit_length() < LEAST_BITS


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another grader was faster; its secret serves as well
    with os.fdopen(handle, "w") as file:
        file.write(f"{secrets.token_hex(KEPT_BITS // 8)}\n")


def seed_for(secret: int, *what: str) -> str:
    """64 hexadecimal digits for one purpose, which say nothing of the secret or of any other purpose's.

    >>> seed_for(1, "inputs", "one") == seed_for(1, "inputs", "one") != seed_for(1, "inputs", "other")
    True
    """
    return hmac.new(as_text(secret).encode(), "\0".join(what).encode(), hashlib.sha256).hexdigest()


def public_seed(*what: str) -> int:
    """A number below 2**32 that everybody may know: for the random numbers on the student's side.

    >>> public_seed("q1", "1") == public_seed("q1", "1") != public_seed("q1", "2")
    True
    """
    return int.from_bytes(hashlib.sha256("\0".join(what).encode()).digest()[:4], "big")


@functools.cache
def fingerprint(secret: int) -> str:
    """What hashes in gradebooks hold in place of the secret: slow to make, against guesses."""
    return hashlib.scrypt(as_text(secret).encode(), salt=b"convcourse tests", n=2**14, r=8, p=1).hex()


@contextlib.contextmanager
def seed_in_environment(seed: str) -> Iterator[None]:
    """Let the hidden tests see the seed that they draw from, and nobody after them."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = seed
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
