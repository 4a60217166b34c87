"""The grader as it is, run on one attack: intake, sandbox, hidden tests, and everything that is shown."""

import dataclasses
import io
import json
import os
import socket
import time
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from autograder import feedback, report, sandbox, scoring, tables
from autograder.gradebook import grades, write_grades
from autograder.record import Key, Record
from autograder.submission import Malformed, read_submission
from autograder.verdict import CellOutcome, Outcome, Verdict

from .corpus import Attack, course
from .memory import Peak
from .outside import marks_left
from .seen import Seen
from .sizes import NOTEBOOK as LIMITS
from .sizes import patient

SLUG = "00_attacked"
SECRET = 90_210
PATIENT = patient(LIMITS)
NETWORK = sandbox.load_limits("network")
NETWORK_LIMITS = dataclasses.replace(
    NETWORK, memory_mib=NETWORK.memory_mib // 2, model_wall_s=2 * NETWORK.model_wall_s / 15
)
# Two seeds of hidden inputs whose first number differs in every way that an attack looks at.
TELLING_SEEDS = ("1", "21")


class Place:
    """A folder with hidden tests, sockets that listen, and a word that marks what attacks leave behind."""

    def __init__(self, folder: Path, canary: str, mark: str) -> None:
        self.folder, self.canary, self.mark = folder, canary, mark
        self.blocks = {name: source.replace("CANARY", canary) for name, source in course().items()}
        self.tests, self.network_tests = folder / "tests", folder / "network_tests"
        for name, source in self.blocks.items():
            if name.startswith(("q", "network_q")):
                path = self.tests / f"{name}.py"
                if name.startswith("network_"):
                    path = self.network_tests / f"{name.removeprefix('network_')}.py"
                path.parent.mkdir(exist_ok=True, parents=True)
                path.write_text(source)
        self.abstract = f"\0{mark}-listens"
        self.path = f"/tmp/{mark}-socket"
        self.listeners = [
            _listener(socket.AF_INET, ("127.0.0.1", 0)),
            _listener(socket.AF_UNIX, self.abstract),
            _listener(socket.AF_UNIX, self.path),
        ]
        self.port: int = self.listeners[0].getsockname()[1]
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("127.0.0.1", self.port))
        datagrams.setblocking(False)
        self.listeners.append(datagrams)
        self.honest = self.notebook("honest", [self.blocks[f"answer_q{n}"] for n in (1, 2, 3)])

    def close(self) -> None:
        """Close the sockets."""
        for listener in self.listeners:
            listener.close()
        Path(self.path).unlink(missing_ok=True)

    def notebook(self, name: str, sources: Sequence[str], file: str = "notebook.ipynb") -> Path:
        """A notebook with these cells, as it is handed in."""
        path = self.folder / name / file
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(notebook_text(sources))
        return path

    def received(self) -> bool:
        """Whether anything came in on one of the sockets."""
        for listener in self.listeners:
            try:
                listener.recv(1) if listener.type == socket.SOCK_DGRAM else listener.accept()[0].close()
            except BlockingIOError:
                continue
            return True
        return False


def notebook_text(sources: Sequence[str]) -> str:
    """The JSON of a notebook with these code cells."""
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in sources
    ]
    metadata = {"convcourse": {"exercise": SLUG}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


def _listener(family: int, address: Any) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.bind(address)
    made.listen()
    made.setblocking(False)
    return made


def hand_in(attack: Attack, place: Place, facts: str) -> Path:
    """Write what is handed in: a notebook, or whatever the attack makes itself (a zip, a link)."""
    preface = [facts, place.blocks["preface"]] if attack.cells else []
    if attack.kind == "wire":
        preface.append(place.blocks["channel"])
    cells = [*preface, *attack.cells]
    path = place.notebook(f"{attack.kind}_{attack.name}", cells, attack.file)
    if "network" in attack.made:
        path = path.with_suffix(".zip")
        packed = zipped({"notebook.ipynb": notebook_text(cells), "network.onnx": network_of(attack)})
        path.write_bytes(packed)
    if "hand_in" in attack.made:  # code of ours that writes one odd file
        names = {
            "path": path,
            "notebook": notebook_text(cells),
            "tests": str(place.tests),
            "zipfile": zipfile,
        }
        exec(compile(attack.made["hand_in"], attack.id, "exec"), names)
        path = names["path"]
    return path


def network_of(attack: Attack) -> bytes:
    """The bytes of the network that an attack makes."""
    from . import networks

    names = dict(vars(networks))
    exec(compile(attack.made["network"], attack.id, "exec"), names)
    return names["network"] if isinstance(names["network"], bytes) else names["network"].SerializeToString()


def zipped(files: dict[str, str | bytes]) -> bytes:
    """A zip of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def grade(
    path: Path, place: Place, *, network: bool = False, limits: sandbox.Limits = PATIENT, inputs: str = ""
) -> tuple[Outcome, dict[str, Any]]:
    """The outcome for a submission, as the pipeline comes to it, and its results.json.

    `inputs` is the seed that hidden tests draw from; by default one of this submission's own.
    """
    begun, results = time.monotonic(), None
    name = path.parent.name if path.stem == "notebook" else path.stem
    try:
        submission = read_submission(path, SLUG, ("network.onnx",) if network else ())
        outcome, results = _run_and_score(submission, name, place, network, limits, inputs)
    except Malformed as error:
        outcome = Outcome(name, SLUG, Verdict.MALFORMED, 0.0, 3.0, 0.0, str(error))
    outcome = dataclasses.replace(outcome, seconds=time.monotonic() - begun)
    return outcome, scoring.gradescope_results(outcome, results)


def _run_and_score(
    submission: Any, name: str, place: Place, network: bool, limits: sandbox.Limits, inputs: str
) -> tuple[Outcome, Any]:
    from . import networks

    cells = [sandbox.Cell(cell.index, cell.source, cell.tags) for cell in submission.cells]
    reserved, remarks = scoring.judge_artifacts(
        submission.artifacts,
        slug=SLUG,
        seed=int(scoring.seed_for(SECRET, SLUG, submission.fingerprint(), "test images"), 16),
        judge=partial(sandbox.judge_network, limits=NETWORK_LIMITS),
        refused=sandbox.NetworkRefused,
        test_set=networks.test_set,
    )
    with sandbox.open_session(cells, limits=limits, files=submission.artifacts, data=None) as session:
        ran = session.run_cells()
        scored = scoring.score(
            place.network_tests if network else place.tests,
            session.environment,
            inputs=inputs or scoring.seed_for(SECRET, SLUG, submission.fingerprint(), "inputs"),
            slug=SLUG,
            reserved=reserved,
            seed=session.seed,
            student_errors=(sandbox.StudentError,),
            grader_errors=(sandbox.SandboxBroken,),
            test_seconds=20,
        )
        verdict, message, details = Verdict(session.verdict), session.message, session.details
    sources = {cell.index: cell.source for cell in submission.cells}
    shown = tuple(
        CellOutcome(
            cell.index,
            sources[cell.index],
            cell.status,
            cell.text,
            cell.error,
            tuple(cell.images),
            cell.seconds,
        )
        for cell in ran
    )
    message = "\n".join(text for text in (message, *remarks) if text)
    outcome = Outcome(
        name, SLUG, verdict, scored.score, scored.max_score, 0.0, message, scored.questions, shown,
        "\n".join(details),
    )  # fmt: skip
    return outcome, scored.results


def pages_of(outcome: Outcome, folder: Path) -> str:
    """Everything that is written or printed of an outcome: page, table, the terminal."""
    terminal = io.StringIO()
    tables.print_outcomes(Console(file=terminal, width=200, force_terminal=False), [outcome])
    write_grades(folder / "grades.csv", [outcome])
    page = feedback.render_feedback(outcome, "The attacked exercise")
    return "\n".join([page, (folder / "grades.csv").read_text(), terminal.getvalue()])


def told_to_the_student(outcome: Outcome, results: dict[str, Any]) -> list[str]:
    """Everything that is written for a student: the page, results.json, a line of grades.csv, explain."""
    outcome = dataclasses.replace(outcome, seconds=0.0)
    terminal = io.StringIO()
    key = Key(SLUG, "a" * 64, "b" * 64, "c" * 64)
    explanation = report.explain(
        Record(key, outcome, results),
        [report.AttemptLine("x", "x.ipynb", None, outcome.verdict, outcome.score, 3.0, explained=True)],
        title="The attacked exercise",
        student="x",
        graded_at=None,
        today=report.Today(None, None),
        for_student=True,
    )
    report.print_explanation(Console(file=terminal, width=200, force_terminal=False), explanation)
    page = feedback.render_feedback(outcome, "The attacked exercise")
    return [page, json.dumps(results, indent=2), repr(grades.row(outcome)), terminal.getvalue()]


def instructors_record(outcome: Outcome) -> str:
    """What the record keeps for the instructor alone."""
    cases = [case.detail for question in outcome.questions for case in question.cases]
    return "\n".join([outcome.detail, *cases])


def differs(attack: Attack, path: Path, place: Place, told: Callable[..., object]) -> bool:
    """Whether what is `told` differs between two gradings where only the hidden inputs do."""
    limits = LIMITS if "time-limit" in attack.verdicts else PATIENT
    first, second = (told(*grade(path, place, limits=limits, inputs=seed)) for seed in TELLING_SEEDS)
    return first != second


def grade_attack(attack: Attack, place: Place, facts: str) -> Seen:
    """Hand the attack in, grade it, grade an honest submission after it, and look around outside."""
    path, peak = hand_in(attack, place, facts), Peak()
    limits = LIMITS if "time-limit" in attack.verdicts else PATIENT
    for _ in range(attack.times):
        outcome, results = grade(path, place, network=attack.kind == "networks", limits=limits)
    pages, grew = pages_of(outcome, path.parent), peak.grew_mib()
    after, _ = grade(place.honest, place)
    return Seen(
        verdict=str(outcome.verdict),
        score=outcome.score,
        shown=f"{pages}\n{outcome.as_shown()!r}\n{json.dumps(results, allow_nan=False)}",
        pages=pages,
        left=tuple(marks_left(place.mark)),
        received=place.received(),
        seconds=outcome.seconds,
        grew_mib=grew,
        told=attack.wins == "tells" and differs(attack, path, place, told_to_the_student),
        followed=after.score if after.verdict is Verdict.GRADED else -1,
        alive=outcome.verdict is not Verdict.GRADER_ERROR,
        notes={
            "message": outcome.message,
            "cells": repr([(c.status, c.error[-200:]) for c in outcome.cells]),
        },
    )


def mark_of(attack: Attack, place: Place) -> str:
    """The word that marks what this attack leaves."""
    return f"{place.mark}-{attack.name}"


def table_of(attack: Attack, place: Place, seed: str) -> str:
    """The line that gives an attack what question 2 asks under this seed, as an earlier attempt learns it."""
    if "table" not in attack.made:
        return ""
    asked: dict[str, int] = {}
    names: dict[str, Any] = {}
    exec(place.blocks["q2"], names)
    before = os.environ.get("CONVCOURSE_SECRET_SEED")
    os.environ["CONVCOURSE_SECRET_SEED"] = seed
    try:
        names["test_adds_many_numbers"].test_func(lambda values: asked.setdefault(str(values), sum(values)))
    finally:
        os.environ.pop("CONVCOURSE_SECRET_SEED")
        os.environ.update({} if before is None else {"CONVCOURSE_SECRET_SEED": before})
    return f"TABLE = {asked!r}\n"


def facts_of(attack: Attack, place: Place, grader: int, numbers: dict[str, int]) -> str:
    """The cell that tells the attack where everything is."""
    table = attack.made.get("table")
    seed = ""
    if table:
        earlier = place.notebook(f"{attack.kind}_{attack.name}_before", [place.blocks["preface"], table])
        seed = scoring.seed_for(SECRET, SLUG, read_submission(earlier, SLUG).fingerprint(), "inputs")
    return table_of(attack, place, seed) + (
        f"MARK = {mark_of(attack, place)!r}; TESTS = {str(place.tests)!r}; PORT = {place.port}\n"
        f"ABSTRACT = {place.abstract!r}; SOCKET = {place.path!r}; GRADER = {grader}; NUMBERS = {numbers!r}\n"
    )
