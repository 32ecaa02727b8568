"""Freed memory is kept, where the C library can."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
import tinygrad_lesson as tl
took_effect = tl.keep_freed_memory() if sys.argv[1] == "keep" else True
x = tl.Tensor(np.ones(1 << 18))
for _ in range(3):
    tl.exp(tl.tanh(x) * 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    tl.exp(tl.tanh(x) * 2)
print(took_effect, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(word: str) -> tuple[bool, int]:
    """Whether it took effect, and how many pages twenty small steps had to fetch."""
    done = subprocess.run([sys.executable, "-c", CODE, word], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    took_effect, count = done.stdout.split()
    return took_effect == "True", int(count)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_pages_are_not_fetched_again() -> None:
    took_effect, kept = faults("keep")
    if not took_effect:
        pytest.skip("this C library has no such setting")
    assert kept < faults("leave")[1] / 10


def test_elsewhere_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from tinygrad_lesson import memory

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    assert memory.keep_freed_memory() is False
