"""Which device a run takes, and that freed memory is used again."""

import platform
import subprocess
import sys

import pytest

from aas_plugin.errors import AasError
from aas_plugin.runs.device import choose_device

COUNT_FAULTS = """
import resource, sys
import numpy as np
from aas_plugin.runs.device import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(3):
    np.ones(12_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(12_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_large_arrays_are_made_without_new_pages():
    def faults(how):
        made = subprocess.run([sys.executable, "-c", COUNT_FAULTS, how], capture_output=True, text=True, check=True)
        return int(made.stdout)

    # 5 arrays of 96 MB are 117,000 pages of 4 kB, and 230 of 2 MB.
    assert faults("keep") < 50 < faults("leave")


def test_a_gpu_that_is_not_there_is_named():
    assert choose_device("cpu").type == "cpu"
    with pytest.raises(AasError, match="cuda:97"):
        choose_device("cuda:97")
