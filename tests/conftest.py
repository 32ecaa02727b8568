"""Options of the tests."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--programs",
        type=int,
        default=2000,
        help="how many random programs tests/test_compile_random.py compiles (2,000)",
    )
