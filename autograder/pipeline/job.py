"""One submission on its way to whoever grades it: identities and bytes, and nothing else."""

import json
import struct
from dataclasses import asdict, dataclass, fields

from autograder.course import CourseExercise
from autograder.pipeline.keys import submission_hash
from autograder.record import Key

LENGTH = struct.Struct(">I")


class JobError(ValueError):
    """Bytes that are not a job."""


@dataclass(frozen=True)
class Job:
    """What travels: `content` as it was handed in, and what must be equal where it is graded.

    `tests` and `grader` are the hashes that the sender's own checkout has. The secret never travels.
    """

    slug: str
    name: str
    points: float
    limits: str
    artifacts: tuple[str, ...]
    tests: str
    grader: str
    unsafe: bool
    content: bytes

    @classmethod
    def of(
        cls, exercise: CourseExercise, name: str, content: bytes, *, tests: str, grader: str, unsafe: bool
    ) -> "Job":
        """The job of grading `content` for `exercise`."""
        return cls(
            slug=exercise.slug,
            name=name,
            points=exercise.points,
            limits=exercise.limits,
            artifacts=exercise.artifacts,
            tests=tests,
            grader=grader,
            unsafe=unsafe,
            content=content,
        )

    @property
    def key(self) -> Key:
        """Under which key the grading will stand."""
        return Key(self.slug, submission_hash(self.content), self.tests, self.grader)

    def to_bytes(self) -> bytes:
        """A length, that many bytes of JSON, and then the content as it is."""
        head = {name: value for name, value in asdict(self).items() if name != "content"}
        text = json.dumps(head, sort_keys=True).encode()
        return LENGTH.pack(len(text)) + text + self.content

    @classmethod
    def from_bytes(cls, data: bytes) -> "Job":
        """Read what `to_bytes` wrote; raises `JobError` for anything else."""
        try:
            (size,) = LENGTH.unpack_from(data)
            head = json.loads(data[LENGTH.size : LENGTH.size + size])
            if set(head) != {field.name for field in fields(cls)} - {"content"}:
                raise JobError(f"a job with the fields {', '.join(sorted(head))}")
            content = data[LENGTH.size + size :]
            return cls(**{**head, "artifacts": tuple(head["artifacts"])}, content=content)
        except (struct.error, ValueError, TypeError) as error:
            raise JobError(f"no job can be read from these {len(data)} bytes: {error}") from None
