"""What becomes of the memory that a training step frees."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
_MOST = 1 << 30


def keep_freed_memory() -> bool:
    """Let this process keep the memory that it frees, for arrays to come.

    The C library of Linux hands large arrays back to the system when they are freed, and every page
    of the next ones must be fetched again: a third of the time of a training step whose arrays have
    some hundred kilobytes. Call this once, before training; the process will not shrink any more.

    Returns
    -------
    bool
        Whether it took effect: glibc alone has this setting.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.keep_freed_memory() in (True, False)
    True
    """
    try:
        libc = ctypes.CDLL(None)
        settings = [libc.mallopt(name, _MOST) for name in (_TRIM_THRESHOLD, _MMAP_THRESHOLD)]
    except (OSError, AttributeError, TypeError):  # another C library, or another system
        return False
    return all(settings)
