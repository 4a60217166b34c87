"""Runs that are too long for a page: trained once by solutions/training, and read by the pages from there."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def latest_run(name: str) -> Path:
    """The folder of the newest processor run of the network `name`, in the checkout around the page.

    FileNotFoundError outside a checkout, and where no such run is committed.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        runs = sorted((folder / "solutions" / "training" / "runs").glob(f"*_{name}_cpu"))
        if runs:
            return runs[-1]
    raise FileNotFoundError(f"no run of {name} in solutions/training/runs above {here}")


def metrics(name: str) -> dict[str, Any]:
    """What `latest_run(name)` found: of each figure mean, stdev, min and max over the seeds, and more."""
    return json.loads((latest_run(name) / "metrics.json").read_text())


def weights(name: str, seed: int = 0, variant: str = "") -> "dict[str, Tensor]":
    """The weights and biases of one network of `latest_run(name)`, by their names in its `state_dict`.

    A run that compares several networks has a folder for each `variant`.
    """
    from safetensors.torch import load_file  # with torch, which takes seconds to load

    return load_file(latest_run(name) / variant / f"seed_{seed}" / "network.safetensors")
