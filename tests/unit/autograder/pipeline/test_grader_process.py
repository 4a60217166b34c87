"""A grading process serves many jobs; when it dies, hangs or wears out, the next job never notices."""

import os
import signal
import subprocess
import sys
import time

import pytest

from autograder.pipeline.grader_process import GraderSupervisor
from autograder.pipeline.job import Job, JobError
from autograder.record import Record
from autograder.verdict import Verdict

# Speaks as a grading process does; what it is asked to grade tells it what to do.
SCRIPT = """
import os, signal, socket, sys, threading, time
from autograder.pipeline import frames
from autograder.pipeline.failure import without_score
from autograder.pipeline.grader_main import _die_with_the_owner
from autograder.pipeline.job import Job
from autograder.record import Record
from autograder.verdict import Verdict

channel = socket.socket(fileno=int(sys.argv[1]))
threading.Thread(target=_die_with_the_owner, args=(channel,), daemon=True).start()
frames.send(channel, b"ready")
while True:
    job = Job.from_bytes(frames.receive(channel))
    word, _, path = job.content.decode().partition(" ")
    if word == "die" or (word == "once" and not os.path.exists(path)):
        if path:
            open(path, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "hang":
        time.sleep(600)
    alone = threading.current_thread() is threading.main_thread()
    said = f"{os.getpid()} {alone} {os.environ.get(path)}"
    outcome = without_score(job, Verdict.MALFORMED, said)
    frames.send(channel, Record(job.key, outcome, {}).to_bytes())
"""


def job(content: str) -> Job:
    return Job(
        slug="00_tiny",
        name="Ada",
        points=6.0,
        limits="notebook",
        artifacts=("network.onnx",),
        tests="t" * 64,
        grader="g" * 64,
        unsafe=False,
        content=content.encode(),
    )


@pytest.fixture
def make_supervisor(tmp_path):
    script = tmp_path / "speaks.py"
    script.write_text(SCRIPT)
    made = []

    def make(**options) -> GraderSupervisor:
        made.append(GraderSupervisor(command=(sys.executable, str(script)), **options))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.close()


def grade(supervisor: GraderSupervisor, content: str, patience_s: float = 60) -> Record:
    return Record.from_bytes(supervisor.grade(job(content), patience_s))


def said(record: Record) -> list[str]:
    assert record.outcome.verdict is Verdict.MALFORMED, record.outcome.message
    return record.outcome.message.split()


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_process_serves_job_after_job_in_its_main_thread(make_supervisor):
    supervisor = make_supervisor()
    answers = [said(grade(supervisor, "ok")) for _ in range(3)]
    assert len({pid for pid, *_ in answers}) == 1
    assert {alone for _, alone, _ in answers} == {"True"}


def test_course_and_secret_reach_it_by_its_environment(make_supervisor, tmp_path):
    supervisor = make_supervisor(course=tmp_path, secret=77)
    assert said(grade(supervisor, "tell CONVCOURSE_COURSE"))[2] == str(tmp_path)
    assert said(grade(supervisor, "tell CONVCOURSE_SECRET_SEED"))[2] == f"{77:064x}"


def test_a_job_whose_process_dies_is_tried_once_more(make_supervisor, tmp_path):
    supervisor = make_supervisor()
    (before, *_) = said(grade(supervisor, "ok"))
    (after, *_) = said(grade(supervisor, f"once {tmp_path / 'seen'}"))
    assert after != before


def test_a_job_over_which_two_processes_die_is_our_failure_and_harms_no_other(make_supervisor):
    supervisor = make_supervisor()
    record = grade(supervisor, "die")
    assert record.outcome.verdict is Verdict.GRADER_ERROR
    assert "died twice" in record.outcome.message and "SIGKILL" in record.outcome.message
    assert record.key == job("die").key and "score" not in record.results
    said(grade(supervisor, "ok"))


def test_a_job_that_hangs_is_ended_in_its_time(make_supervisor):
    supervisor = make_supervisor()
    said(grade(supervisor, "ok"))
    record = grade(supervisor, "hang", patience_s=0.5)
    assert record.outcome.verdict is Verdict.GRADER_ERROR and "silent for 0.5 s" in record.outcome.message
    said(grade(supervisor, "ok"))


def test_a_worn_process_makes_way_for_a_fresh_one(make_supervisor):
    supervisor = make_supervisor(most_jobs=2)
    pids = [said(grade(supervisor, "ok"))[0] for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]
    assert not is_alive(int(pids[0]))


def test_a_process_in_the_middle_of_a_job_ends_with_its_owner(tmp_path):
    (tmp_path / "speaks.py").write_text(SCRIPT)
    owner = f"""
import sys
from autograder.pipeline.grader_process import GraderProcess
process = GraderProcess({{}}, (sys.executable, {str(tmp_path / "speaks.py")!r}))
print(process.pid, flush=True)
process.ask(bytes.fromhex({job("hang").to_bytes().hex()!r}), 600)
"""
    process = subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    time.sleep(1)  # into the job; earlier is as good
    assert is_alive(pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < deadline, "the grading process outlives its owner"
        time.sleep(0.05)


def test_a_job_arrives_as_it_left():
    sent = job("\0 bytes")
    assert Job.from_bytes(sent.to_bytes()) == sent


@pytest.mark.parametrize("data", [b"", b"\0\0\0\5nope!", b"\0\0\0\2{}", job("x").to_bytes()[:40]])
def test_bytes_that_are_no_job_are_refused(data):
    with pytest.raises(JobError):
        Job.from_bytes(data)
