"""Symbols and words that the course does not use, with what it says instead.

Held against pages when the site is built; tests/site/test_standard.py holds widgets, exercises and plots
to them, and tests/unit/test_prose.py comments, docstrings, messages and documents.
The notation page says what each means.
"""

import re
from collections.abc import Iterator

_PER = (
    r"\b(?:one|two|numbers?|values?|weights?|cycles?|seconds?|minutes?|microseconds?|ms|µs|"
    r"steps?|sums?|multiplications?|parameters?|bytes?|points?|lines?|panels?|bars?|rows?|"
    r"once|twice|threads?|tests?|attempts?|operations?)"
    r" an? (?:image|pixel|class|batch|channel|filter|epoch|step|layer|second|minute|network|name|case|region|"
    r"run|stage|place|digit|process|core|submission|student|question|attempt|worker|machine|thread)\b"
)

# pattern -> what to write instead
STRAYS = {
    # symbols
    r"D_\{?(?:\\(?:text|mathrm)\{)?(?:in|out)\b": "channels are C_in and C_out; D is dilation",
    r"\bF\s*(?:\\times|×|\\cdot)\s*F\b": "the kernel size is K",
    r"\bn_\{?(?:\\(?:text|mathrm)\{)?(?:in|out)\b": "sizes are H, W and H_out, W_out",
    r"\b[KF] (?:filters|output channels)\b|\$[KF]\$ filters": "the number of filters is C_out",
    r"\$C\$ (?:input |output )?channels": "channels are C_in and C_out",
    r"\bkernels? of (?:size )?\$?F\b": "the kernel size is K",
    # one word for one idea
    r"\bclass scores?\b": "logits",
    r"\bactivation maps?\b": "feature map",
    r"\bhalf a turn\b|\bturn(?:s|ed|ing)? (?:the |a |your )?kernel": "flip",
    r"\bkernel[^.]{0,20}\bturned (?:by|around)": "flip",
    r"[\"“](?:crop|zero|extend)[\"”]": "valid, zeros, replicate",
    r"\bhalf padding\b": "same",
    # English
    r"(?<![Tt]here )\b[Ii]s no (?!longer|more|less|fewer|doubt)\w+": "is not",
    r"\b[Mm]end(?:s|ed|ing)?\b": "fix, repair",
    r"\b[Bb]eside\b": "next to",
    r"\b[Ww]arm parent": "forkserver",
    r"\b[Bb]irths?\b|\b[Pp]rocess(?:es)? (?:is|are|was|were) born\b": "spawn, start",
    r"\bslantwise\b": "diagonally",
    r"\bputs? out\b": "output",
    r"\bleaves a rest\b|\bthe rest of the division\b": "remainder",
    r"\b(?:has|have) (?:\w+ )?(?:times )?less say\b": "counts less",
    r"\b(?:which|that|it|what|pixel|number|value|they|there) stands? (?:in|at|on|for|below|above)\b": "is",
    _PER: "per",
}
_COMPILED = [(re.compile(pattern), instead) for pattern, instead in STRAYS.items()]


def strays(text: str) -> Iterator[str]:
    """What is said otherwise in this course.

    >>> list(strays("A kernel that is mended has one weight a pixel."))
    ["'mended': write fix, repair", "'weight a pixel': write per"]
    """
    for pattern, instead in _COMPILED:
        for match in pattern.finditer(text):
            yield f"{match[0]!r}: write {instead}"
