"""The team of threads that runs a step: how many there are, and the library that has them."""

from __future__ import annotations

import ctypes
import functools
import math
import os
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from . import routines
from .schedule import Group

WORTHWHILE = 100_000
"""A step of fewer operations is over before a second thread would have begun."""


@functools.cache
def _library() -> ctypes.CDLL:
    """The functions that run a segment on several threads (``c/pool.c``)."""
    library = routines.library(routines.TEAM)
    library.run_told.restype = ctypes.c_int32
    return library


def call(code: Any, *given: int) -> Callable[[], int]:
    """What runs a C function.

    Parameters
    ----------
    code
        The function.
    given
        Where its pointers, its arena and its numbers are; how many threads run it.
    """
    place = ctypes.cast(code, ctypes.c_void_p).value or 0
    told = (ctypes.c_int64 * 5)(place, *given)
    return functools.partial(_library().run_told, ctypes.byref(told))


def size(groups: list[Group], threads: int | None) -> int:
    """How many threads run a step.

    Parameters
    ----------
    groups
        Its schedule.
    threads
        How many there may be; None: as many as there are cores for this process, or as
        ``OPENBLAS_NUM_THREADS`` or ``OMP_NUM_THREADS`` allow.
    """
    pays = any(count >= WORTHWHILE for count in accumulate(map(_operations, groups)))
    return (threads or cores()) if pays else 1


def cores() -> int:
    """How many threads there may be."""
    allowed = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS") or ""
    if allowed.isdigit() and int(allowed):
        return int(allowed)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _operations(group: Group) -> int:
    """About how many operations a group takes."""
    count = 0
    for equation in group.members:
        largest = max(math.prod(v.shape) for v in (equation.out, *equation.values()))
        inner = equation.values()[0].shape[-1] if group.kind == "product" else 1
        count += largest * (9 if group.kind in ("windows", "recurrent") else inner)
    return count
