"""On a CPU the loop keeps freed memory, so that a step does not fault the same pages in again and again."""

import subprocess
import sys

import pytest

COUNT = """
import resource, torch
from convcourse.training.device import keep_freed_memory
if {keep}:
    keep_freed_memory(torch.device("cpu"))
def step():
    for _ in range(4):
        torch.ones(9_000_000)  # 36 MB, freed at once: more than glibc would ever keep by itself
for _ in range(5):  # where a piece lands differs from process to process, so it takes some until all is kept
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
def test_memory_that_is_freed_and_asked_for_again_is_not_faulted_in_again():
    def faults(keep):
        program = COUNT.format(keep=keep)
        return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)

    assert faults(keep=True) * 3 < faults(keep=False)
