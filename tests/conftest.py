"""Every test starts from the same random state, whatever ran before it and on whichever worker."""

import random
import sys

import pytest


@pytest.fixture(autouse=True)
def _same_random_state():
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
