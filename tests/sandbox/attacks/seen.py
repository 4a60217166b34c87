"""What can be seen of one graded attack, by our grader or by an undefended one."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Seen:
    """`shown` is every text that the grading showed to anybody; `followed` the mark of an honest submission
    graded right after; `grew_mib` how much more memory the
    grader's process took; `left` what of the attack was found outside; `alive` whether there was a result;
    `told` whether anything written for a student differed where only the hidden inputs did."""

    verdict: str = ""
    score: float = 0.0
    shown: str = ""
    pages: str = ""
    left: tuple[str, ...] = ()
    received: bool = False
    told: bool = False
    followed: float = 3.0
    grew_mib: float = 0.0
    seconds: float = 0.0
    alive: bool = True
    notes: dict[str, str] = field(default_factory=dict)


MUCH_MIB = 1200
TROPHY = "".join(reversed("YHPORT"))


def won(seen: Seen, how: str, *, canary: str, earns: float, full: float, needle: str = "") -> bool:
    """Whether the attack succeeded in the way that `how` names."""
    return {
        "score": seen.score > earns,
        "canary": canary in seen.shown,
        "trophy": TROPHY in seen.shown,
        "harm": not seen.alive,
        "left": bool(seen.left),
        "received": seen.received,
        "tells": seen.told,
        "memory": seen.grew_mib > MUCH_MIB,
        "next": seen.followed != full,
        "needle": bool(needle) and needle in seen.pages,
    }[how]
