"""Turns: threads that want the same thing come one after the other."""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakSet

_LOCKS: WeakSet[Any] = WeakSet()


def lock() -> Any:
    """A lock that its owner may take again.

    In a forked child it is free, whoever had it when the process was forked.
    """
    made = threading.RLock()
    _LOCKS.add(made)
    return made


def _free_all() -> None:
    for made in _LOCKS:
        made._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_all)

TRACING = lock()
"""Whoever traces a step has it: what the step reads and changes holds no numbers meanwhile.

A thread that has the lock of a step may wait for this one, and never the other way round.
"""
