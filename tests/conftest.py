"""Options of the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """What compiled steps build is kept beside pytest's own cache, not in the user's."""
    home = Path(__file__).parent.parent / ".pytest_cache" / "home"
    os.environ.setdefault("XDG_CACHE_HOME", str(home))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--programs",
        type=int,
        default=2000,
        help="how many random programs tests/test_compile_random.py compiles (2,000)",
    )
