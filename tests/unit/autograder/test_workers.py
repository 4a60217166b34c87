"""A job's process may die or hang without harm to others; `eval` is a task that can do anything."""

import time

from autograder.workers import run_each

DIE = "__import__('os')._exit(3)"
HANG = "__import__('time').sleep(60)"


def test_answers_come_in_the_order_of_the_jobs():
    jobs = [f"__import__('time').sleep({0.2 * (3 - n)}) or b'{n}'" for n in range(4)]
    arrived = []
    answers = run_each(eval, jobs, workers=4, seconds=20, done=lambda index, answer: arrived.append(index))
    assert answers == [b"0", b"1", b"2", b"3"]
    assert sorted(arrived) == [0, 1, 2, 3]


def test_a_job_that_dies_harms_no_other():
    assert run_each(eval, ["b'a'", DIE, "1 / 0", "b'b'"], workers=2, seconds=20) == [b"a", None, None, b"b"]


def test_a_job_that_hangs_is_ended():
    begun = time.monotonic()
    assert run_each(eval, [HANG, "b'a'"], workers=2, seconds=1.5) == [None, b"a"]
    assert time.monotonic() - begun < 20


def test_a_job_that_died_is_tried_once_more(tmp_path):
    path = str(tmp_path / "seen")
    job = f"b'second' if __import__('os').path.exists({path!r}) else (open({path!r}, 'w').close(), {DIE})"
    assert run_each(eval, [job], workers=1, seconds=20) == [b"second"]


def test_no_jobs_no_answers():
    assert run_each(eval, [], workers=2, seconds=1) == []
