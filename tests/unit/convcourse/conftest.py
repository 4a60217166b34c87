"""What several tests of the library need."""

import os

import pytest


@pytest.fixture
def real_mnist() -> None:
    """Skip where the real files are not at hand; in CI that is a failure."""
    if not os.environ.get("CONVCOURSE_DATA"):
        reason = "CONVCOURSE_DATA does not name a folder with MNIST/raw"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
