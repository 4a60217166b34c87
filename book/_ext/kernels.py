"""Starts the pages' kernels quietly.

ipykernel warns at every start that it talks over TCP, which on one machine is what is meant. Jupyter looks in
JUPYTER_PATH first for a kernel named python3, and finds there one that says only what is an error.
"""

import os
from pathlib import Path

from sphinx.application import Sphinx

KERNELS = Path(__file__).parent / "jupyter"


def setup(app: Sphinx) -> dict:
    """Put our kernel before those of the environment."""
    before = os.environ.get("JUPYTER_PATH", "")
    if str(KERNELS) not in before.split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, [str(KERNELS), before]))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
