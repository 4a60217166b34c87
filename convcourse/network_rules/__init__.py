"""The rules for a network that is handed in: what its graph may hold, and how its numbers are counted.

`check` is what the grader itself runs, in a sandbox; `export_network` runs the same before anything is
written, so that what is refused is refused on the student's own machine. The rules are data:
`operators.toml` and `bounds.toml` next to this file.
"""

from convcourse.network_rules.check import INPUT, OUTPUT, Checked, check
from convcourse.network_rules.noise import bits_per_number, noise_of_rms, with_noise
from convcourse.network_rules.table import (
    BOUNDS,
    FIXES,
    OPERATORS,
    PASSES,
    REASONS,
    SLOTS,
    Refused,
    folded_table_of_operators,
    table_of_operators,
)

__all__ = [
    "BOUNDS",
    "FIXES",
    "INPUT",
    "OPERATORS",
    "OUTPUT",
    "PASSES",
    "REASONS",
    "SLOTS",
    "Checked",
    "Refused",
    "bits_per_number",
    "check",
    "folded_table_of_operators",
    "noise_of_rms",
    "table_of_operators",
    "with_noise",
]
