"""Options of the tests, and what keeps them quick."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """What compiled steps build is kept beside pytest's own cache, not in the user's.

    Where a test does not say how a step is compiled, it is about what both ways have in common:
    NumPy is quicker, whatever the environment says.
    """
    home = Path(__file__).parent.parent / ".pytest_cache" / "home"
    os.environ.setdefault("XDG_CACHE_HOME", str(home))
    os.environ["TINYGRAD_LESSON_MODE"] = "numpy"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Tens of thousands of tests stay to the end: the garbage collector need not look at them."""
    gc.disable()
    try:
        return (yield)
    finally:
        if hypothesis := sys.modules.get("hypothesis"):
            # Its first test asks who holds NumPy's random state: what is frozen would not answer.
            hypothesis.given(hypothesis.strategies.none())(lambda _: None)()
        gc.enable()
        gc.freeze()
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(1)  # every core has tests of its own: more would only wait


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--programs",
        type=int,
        default=2000,
        help="how many random programs tests/test_compile_random.py compiles (2,000)",
    )
