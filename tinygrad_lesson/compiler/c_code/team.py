"""The team of threads that runs a step: how many there are, and the library that has them."""

from __future__ import annotations

import ctypes
import functools
import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from . import routines
from .schedule import Group

WORTHWHILE = 100_000
"""A step of fewer operations is over before a second thread would have begun."""

TRIALS, SHORT = 2, 10_000_000_000
"""So many times a step runs on one thread first, if it has no more operations than that, to see how
long it takes. (The threads of the array library, which ran it before, are awake for 0.1 s, too.)"""


@functools.cache
def _library() -> ctypes.CDLL:
    """The functions that run a segment on several threads (``c/pool.c``)."""
    library = routines.library(routines.TEAM)
    library.run_told.restype = ctypes.c_int32
    return library


class Experience(ctypes.Structure):
    """What is known of a step that may run on one thread alone: see ``c/pool.c``."""

    _fields_ = tuple((name, ctypes.c_int64) for name in
                     ("trials", "alone", "together", "saved", "until", "caution"))  # fmt: skip


class _Call(ctypes.Structure):
    """What ``run_told`` is told."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("run", "pointers", "arena", "numbers")),
        ("size", ctypes.c_int64), ("known", ctypes.POINTER(Experience)), ("times", ctypes.c_int64),
    )  # fmt: skip


class Team(NamedTuple):
    """The threads that run a step.

    Attributes
    ----------
    size
        How many they are.
    adapts
        Whether a step runs on one alone while it loses time with the others, as when another
        program has their cores.
    trials
        How many times it does so at first.
    """

    size: int
    adapts: bool = False
    trials: int = 0

    def call(
        self, code: Any, *given: int, known: Experience | None = None, times: int = 1
    ) -> Callable[[], int]:
        """What runs a C function.

        Parameters
        ----------
        code
            The function.
        given
            Where its pointers, its arena and its numbers are.
        known
            What to go by, and to add to, if the team adapts.
        times
            How many steps the function takes, if it is a loop.
        """
        place = ctypes.cast(code, ctypes.c_void_p)
        learnt = ctypes.pointer(known or Experience()) if self.adapts else None
        told = _Call(place, *given, self.size, learnt, times)
        return functools.partial(_library().run_told, ctypes.byref(told))


def gathered(groups: list[Group], threads: int | None) -> Team:
    """The team for a step.

    Parameters
    ----------
    groups
        Its schedule.
    threads
        How many there may be; None: as many as there are cores for this process, or as
        ``OPENBLAS_NUM_THREADS`` or ``OMP_NUM_THREADS`` allow, while the cores are free.
    """
    operations = sum(map(_operations, groups))
    size = (threads or cores()) if operations >= WORTHWHILE else 1
    return Team(size, threads is None, TRIALS if operations <= SHORT else 0)


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
