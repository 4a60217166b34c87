"""The rules as data: `operators.toml` says which operators are accepted and why, `bounds.toml` how many."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent


class Refused(ValueError):
    """The network breaks a rule; the text says which and what to do, for the student."""


@dataclass(frozen=True)
class Bounds:
    """The table `[graph]` of bounds.toml, which gives each field's reason."""

    opset_min: int
    opset_max: int
    ir_version_min: int
    ir_version_max: int
    max_nodes: int
    max_tensors: int
    max_shape_bits: int
    max_shape_value: int
    max_rank: int
    max_float_settings: int
    max_list_entries: int
    max_word_bytes: int
    max_fixed_numbers: int
    max_fixed_percent: int
    fixed_difference: float
    fixed_pattern_numbers: int


@dataclass(frozen=True)
class Passes:
    """The table `[passes]` of bounds.toml: what a network must withstand when it runs."""

    noise_of_rms_most: float
    noise_of_rms_least: float
    noise_most_at_numbers: int
    noise_draws: int
    noise_drop_points: float
    shift_pixels: int
    shifted_min_percent: float
    claim_min_percent: float
    logits_differ: float


_bounds = tomllib.loads((HERE / "bounds.toml").read_text(encoding="utf-8"))
_operators = tomllib.loads((HERE / "operators.toml").read_text(encoding="utf-8"))

BOUNDS = Bounds(**_bounds["graph"])
PASSES = Passes(**_bounds["passes"])
SETTINGS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {name: (least, most) for name, (least, most) in _bounds["settings"].items()}
)
SLOTS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {name: tuple(places) for name, places in _operators.pop("slots").items()}
)
FIXES: Mapping[str, str] = MappingProxyType(_operators.pop("fixes"))
REASONS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {group: (row["why"], tuple(row["operators"].split())) for group, row in _operators.items()}
)
OPERATORS = frozenset(name for _, names in REASONS.values() for name in names)


def folded_table_of_operators() -> str:
    """The same table as HTML that a reader unfolds.

    >>> folded_table_of_operators()[:40]
    '<details><summary>The operators that are'
    """
    head, _, *body = [
        [re.sub(r"`(\w+)`", r"<code>\1</code>", cell.strip()) for cell in line.strip("|").split("|")]
        for line in table_of_operators().splitlines()
    ]

    def row(cells: list[str], kind: str) -> str:
        return "<tr>" + "".join(f"<{kind}>{cell}</{kind}>" for cell in cells) + "</tr>"

    rows = "".join(row(cells, "td") for cells in body)
    return (
        "<details><summary>The operators that are accepted, and why each group is</summary>"
        f"<table><thead>{row(head, 'th')}</thead><tbody>{rows}</tbody></table></details>"
    )


def table_of_operators() -> str:
    """The accepted operators by group, with the reason for each group, as a Markdown table for the page.

    >>> print(table_of_operators().splitlines()[2][:55])
    | layers | what a network learns with | `Conv`, `ConvTr
    """
    rows = [
        f"| {group} | {why} | {', '.join(f'`{name}`' for name in names)} |"
        for group, (why, names) in REASONS.items()
    ]
    return "\n".join(["| group | why | operators |", "|---|---|---|", *rows])
