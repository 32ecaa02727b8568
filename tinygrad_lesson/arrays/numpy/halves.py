"""Long work on two threads: NumPy lets go of Python's lock while it computes.

The results do not depend on the threads: work is always cut in the same two halves. The calling
thread never waits for a helper that has not started; it does that half, too. The helper sleeps
between calls and ends with the program.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

WORTH = 1 << 24
"""Additions and multiplications that are worth the 30 microseconds to wake a thread."""


@functools.cache
def _helper() -> ThreadPoolExecutor | None:
    """The second thread, unless the user or the machine has but one."""
    allowed = os.environ.get("OMP_NUM_THREADS") or os.environ.get("OPENBLAS_NUM_THREADS")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return None if allowed == "1" or cores == 1 else ThreadPoolExecutor(1, "halves")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helper.cache_clear)  # a fork has no threads but its own


def in_halves(work: Callable[[slice], T], count: int, operations: float) -> list[T]:
    """What ``work(part)`` gives for the first and the second half of `count` things.

    Parameters
    ----------
    work
        Is called with a slice; the two calls share nothing that either writes.
    count
        How many things there are.
    operations
        About how much work it is in all.
    """
    first, second = slice(0, count // 2), slice(count // 2, count)
    helper = None
    if operations >= WORTH and threading.current_thread() is threading.main_thread():
        helper = _helper()
    if helper is not None:
        with contextlib.suppress(RuntimeError):  # the program is at its end
            started = helper.submit(copy_context().run, work, first)
            mine = work(second)
            return [work(first) if started.cancel() else started.result(), mine]
    return [work(first), work(second)]
