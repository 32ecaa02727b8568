"""Garbage: while a program is made, nobody looks for any."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Make something of many parts, which are kept.

    Python would look through them for garbage again and again as they become more.
    """
    collecting = gc.isenabled()
    if collecting:  # else another thread may just be about to enable it again, for good
        gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
