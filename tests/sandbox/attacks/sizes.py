"""How large the attacks are, and what they are allowed: fractions of the policy, so that both follow it."""

import dataclasses

from autograder import sandbox


def reduced(policy: sandbox.Limits) -> sandbox.Limits:
    """A part of what a notebook may use, so that hundreds of attacks reach it in seconds."""
    return dataclasses.replace(
        policy,
        memory_mib=policy.memory_mib // 5,
        scratch_mib=policy.scratch_mib // 4,
        file_mib=policy.file_mib // 4,
        cell_s=policy.cell_s / 5,
        call_s=policy.call_s / 5,
        grace_s=policy.grace_s / 4,
        wall_s=2 * policy.wall_s / 15,
        calls_wall_s=2 * policy.calls_wall_s / 15,
        text_kib=policy.text_kib // 4,
        images_kib=policy.images_kib // 8,
        restarts=1,
    )


def patient(limits: sandbox.Limits) -> sandbox.Limits:
    """More time, for all whose end is not a question of time: a busy machine must not make it one."""
    factors = {"cell_s": 10, "call_s": 10, "grace_s": 10, "wall_s": 5, "calls_wall_s": 5}
    return dataclasses.replace(limits, **{name: by * getattr(limits, name) for name, by in factors.items()})


def sized(source: str, limits: sandbox.Limits) -> str:
    """An attack's code with the limits that it names put in.

    >>> sized("bytes(2 * FILE_MIB << 20)", reduced(sandbox.load_limits("notebook")))
    'bytes(2 * 16 << 20)'
    """
    for name in ("memory_mib", "scratch_mib", "file_mib"):
        source = source.replace(name.upper(), str(getattr(limits, name)))
    return source


NOTEBOOK = reduced(sandbox.load_limits("notebook"))
