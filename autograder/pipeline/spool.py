"""Finished gradings on their way into the gradebook, safe on disk until they are there.

A gradebook may be locked, gone for a while, or lost altogether. So each grading is first a file in a folder;
a thread carries the files into the book one by one, and removes each when the book has it. What it cannot
carry stays, and the next run begins with it.
"""

import contextlib
import json
import struct
import threading
from collections import deque
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from autograder.files import FOR_OWNER, write_whole
from autograder.gradebook import Attempt, BookUnavailable
from autograder.pipeline.keys import submission_hash
from autograder.record import Record, RecordError

SUFFIX = ".grading"
LENGTHS = struct.Struct(">III")


class Spool:
    """A folder of gradings and the thread that empties it into `book`."""

    def __init__(self, folder: Path, book: Any) -> None:
        self.folder, self.book = folder, book
        self.trouble = ""
        """What the book said last when it refused; empty while all is well."""
        self.damaged: list[Path] = []
        self._waiting: deque[Path] = deque()
        self._change = threading.Condition()
        self._closing = False
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting.extend(sorted(folder.glob(f"*{SUFFIX}")))
        self._thread = threading.Thread(target=self._carry_all, name="gradebook", daemon=True)
        self._thread.start()

    def put(self, attempt: Attempt, record: Record, content: bytes) -> None:
        """Keep a grading: on disk when this returns, in the book soon. Raises OSError for a full disk."""
        path = self.folder / f"{_name(attempt, record)}{SUFFIX}"
        write_whole(path, pack(attempt, record, content), FOR_OWNER)
        with self._change:
            self._waiting.append(path)
            self._change.notify_all()

    def drain(self) -> None:
        """Wait until all is in the book, or the book has refused."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting or self.trouble)

    def close(self, patience_s: float | None = None) -> int:
        """Carry what can be carried, stop, and say how many gradings are left for the next run.

        After `patience_s` seconds the thread is left to itself: what it has not carried is safe on disk.
        """
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join(patience_s)
        left = len(self._waiting)
        if not left:
            with contextlib.suppress(OSError):
                self.folder.rmdir()
        return left

    def _carry_all(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                path = self._waiting[0]
            carried = self._carry(path)
            with self._change:
                if carried:
                    self._waiting.popleft()
                elif self._closing:
                    return
                self._change.notify_all()

    def _carry(self, path: Path) -> bool:
        """Whether `path` needs no more care. The book itself waits and tries again, so this does not."""
        try:
            grading = unpack(path.read_bytes())
        except FileNotFoundError:
            return True
        except RecordError:
            return self._put_aside(path)
        except OSError as error:
            return self._stop(str(error))
        try:
            self.book.add(*grading)
        except BookUnavailable as error:
            self.trouble = str(error)
            return False
        except ValueError:
            return self._put_aside(path)
        except Exception as error:
            return self._stop(f"{type(error).__name__}: {error}")
        self.trouble = ""
        path.unlink(missing_ok=True)
        return True

    def _put_aside(self, path: Path) -> bool:
        """A file that no book will ever take must not keep the others waiting; somebody may look at it."""
        aside = path.with_suffix(".damaged")
        path.rename(aside)
        self.damaged.append(aside)
        return True

    def _stop(self, trouble: str) -> bool:
        """No more in this run: waiting would not help."""
        self.trouble = trouble
        with self._change:
            self._closing = True
        return False


def pack(attempt: Attempt, record: Record, content: bytes) -> bytes:
    """A grading as one file: three lengths, the attempt as JSON, the record, what was handed in."""
    about = asdict(attempt)
    about["submitted_at"] = attempt.submitted_at and attempt.submitted_at.isoformat()
    head, data = json.dumps(about, sort_keys=True).encode(), record.to_bytes()
    return LENGTHS.pack(len(head), len(data), len(content)) + head + data + content


def unpack(data: bytes) -> tuple[Attempt, Record, bytes]:
    """Read what `pack` wrote; raises `RecordError` for anything else, a file cut short among it."""
    try:
        sizes = LENGTHS.unpack_from(data)
        if len(data) != LENGTHS.size + sum(sizes):
            raise RecordError(f"a grading cut short: {len(data)} bytes")
        middle = LENGTHS.size + sizes[0]
        about = json.loads(data[LENGTHS.size : middle])
        when = about.pop("submitted_at")
        attempt = Attempt(**about, submitted_at=when and datetime.fromisoformat(when))
        return attempt, Record.from_bytes(data[middle : middle + sizes[1]]), data[middle + sizes[1] :]
    except (struct.error, ValueError, TypeError, KeyError) as error:
        raise RecordError(f"no grading can be read from these {len(data)} bytes: {error}") from None


def _name(attempt: Attempt, record: Record) -> str:
    """One name for one grading of one attempt, so that a repeated step writes the same file."""
    about = [asdict(record.key), attempt.exercise, attempt.name, str(attempt.submitted_at)]
    return submission_hash(json.dumps(about).encode())[:32]
