"""Every attack of the corpus loses against the grader as it is, and wins where its defence is off."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyseccomp
import pytest

from autograder.sandbox.watchdog import tree

from .attacks.corpus import WINS, attacks, course
from .attacks.graded import Place, facts_of, grade, grade_attack
from .attacks.outside import fingerprints, marks_left
from .attacks.seen import won
from .attacks.undefended import UNDEFENDED, run_undefended

ROOT = Path(__file__).resolve().parents[2]
ATTACKS = attacks()
FULL = 3.0
LONGEST_S = 60  # far above the sum of the limits that hold here, far below a hang


def numbers_of(sources) -> dict[str, int]:
    """The numbers of the system calls that the sources name."""
    names = set(re.findall(r'syscall\("(\w+)"', "\n".join(sources)))
    return {name: pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in sorted(names)}


NUMBERS = numbers_of(cell for attack in ATTACKS for cell in attack.cells)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Hidden tests with a word of this run in them, sockets that listen; what else is here stays as it is."""
    mark = f"convcourse-attack-{uuid.uuid4().hex[:10]}"
    made = Place(tmp_path_factory.mktemp(f"{mark}-place"), f"canary{uuid.uuid4().hex}", mark)
    watched = [made.tests, made.network_tests, ROOT / "autograder", Path(sys.prefix) / "bin"]
    before = fingerprints(watched)
    yield made
    made.close()
    assert not list(marks_left(mark))
    changed = {path for path, _ in fingerprints(watched).items() ^ before.items()}
    assert not {path for path in changed if "autograder" not in path or mark in path}


@pytest.fixture(scope="module")
def neighbor(tmp_path_factory):
    """Another grader, next to the attacks, grades honest submissions all the time; all get full marks."""
    program = [
        sys.executable,
        "-m",
        "tests.sandbox.attacks.neighbor",
        str(tmp_path_factory.mktemp("neighbor")),
    ]
    grader = subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield grader.pid
    scores = json.loads(grader.communicate(timeout=120)[0])
    assert scores and set(scores) == {FULL}, scores


@pytest.fixture(scope="module")
def at_rest(place, neighbor):
    """The processes below this one between two submissions, those of the other grader not counted."""
    outcome, _ = grade(place.honest, place)
    assert (outcome.score, outcome.max_score) == (FULL, FULL), outcome
    return len(settled(neighbor, 0))


def settled(neighbor: int, at_most: int) -> set[int]:
    """The processes below this one, given a moment to end."""
    until = time.monotonic() + 3
    while True:
        found = set(tree(os.getpid())) - set(tree(neighbor)) - {os.getpid()}
        if len(found) <= at_most or time.monotonic() > until:
            return found
        time.sleep(0.02)


@pytest.mark.xdist_group("attacks")  # its place is set up once, and another grader works next to it
@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.id for attack in ATTACKS])
def test_an_attack_gets_what_is_honest_in_it_and_nothing_else(attack, place, neighbor, at_rest):
    facts = facts_of(attack, place, os.getpid(), NUMBERS)
    seen = grade_attack(attack, place, facts)
    assert seen.verdict in attack.verdicts, seen.notes
    assert seen.score == attack.earns or (not attack.exactly and seen.score < attack.earns), seen.notes
    for how in WINS:
        lost = not won(seen, how, canary=place.canary, earns=attack.earns, full=FULL, needle=attack.needle)
        assert lost, (how, seen.notes, seen.left, seen.followed, seen.grew_mib)
    assert seen.seconds < LONGEST_S
    assert len(settled(neighbor, at_rest)) <= at_rest


@pytest.fixture(scope="module")
def undefended(request, place):
    """What becomes of each attack where its defence is off: all that are asked for, some at once.

    Most of the time goes to graders that hang, so that four at once do well on two cores.
    """
    items = [item for item in request.session.items if "undefended" in getattr(item, "fixturenames", ())]
    asked = [item.callspec.params["attack"] for item in items]
    with ThreadPoolExecutor(4) as pool:
        yield {attack.id: pool.submit(run_undefended, attack, place, NUMBERS) for attack in asked}


@pytest.mark.xdist_group("undefended")
@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.id for attack in ATTACKS])
def test_the_attack_succeeds_where_its_defence_is_off(attack, undefended, place):
    seen = undefended[attack.id].result()
    succeeded = won(
        seen, attack.wins, canary=place.canary, earns=attack.earns, full=FULL, needle=attack.needle
    )
    assert succeeded, (attack.wins, seen)


def test_the_corpus_is_as_large_and_as_wide_as_is_promised():
    kinds = Counter(attack.kind for attack in ATTACKS)
    assert sum(kinds.values()) >= 270 and len(kinds) >= 10 and min(kinds.values()) >= 8
    before = [attack.name for attack in ATTACKS if attack.kind == "networks"].index("packed_as_a_code_book")
    assert kinds["networks"] - before == 35, "class_networks.md says how many won before"
    assert all(attack.counter in UNDEFENDED and attack.intent and attack.defence for attack in ATTACKS)


def test_the_undefended_graders_give_honest_work_its_mark_and_a_blank_nothing(place):
    """Otherwise a success there would show a grader that marks at random."""
    from dataclasses import replace

    blank = next(attack for attack in ATTACKS if attack.id == "forge/always_equal")
    answers = tuple(course()[f"answer_q{n}"] for n in (1, 2, 3))
    for counter in ("one process", "one process, tests as cells", "unchecked channel"):
        honest = run_undefended(replace(blank, counter=counter, cells=answers), place, NUMBERS)
        assert (honest.alive, honest.score, honest.left, honest.received) == (True, FULL, (), False)
        nothing = run_undefended(replace(blank, counter=counter, cells=("x = 1",)), place, NUMBERS)
        assert (nothing.alive, nothing.score, nothing.followed) == (True, 0.0, FULL)
