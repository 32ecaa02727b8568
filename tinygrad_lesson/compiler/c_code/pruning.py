"""Pruning: the cache of what was built does not grow for ever.

Whenever something new has been built, what nobody loaded for 90 days goes, and then what was not
loaded for the longest time until 1 GiB is left. A file that is loaded is marked as used just now
(its time of modification), and what was used within the last hour stays in any case: so no other
process can be about to load what is taken away, and what it has loaded already it keeps. Only files
with names as the toolchain gives them are touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import time
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 1 << 30
"""So much is kept."""

MOST_SECONDS = 90 * 24 * 3600
"""And so long, if nobody loads it."""

AT_LEAST = 3600
"""What was used within so many seconds is not taken away."""

OURS = re.compile(r"[0-9a-f]{32}(-[0-9a-f]{32}\.(so|npz)|\.c)")
"""What libraries and kept tapes are called, and sources that the compiler refused."""

BUILDING = "build-"
"""How the names of folders begin in which something is being built."""


class _Found(NamedTuple):
    """A file that may be taken away."""

    used: float
    size: int
    path: Path


def used(library: Path) -> None:
    """Note that a library is about to be loaded."""
    with contextlib.suppress(OSError):
        os.utime(library)


def prune(folder: Path) -> None:
    """Take away what was not used for long; it does not matter if another process does the same."""
    now = time.time()
    with contextlib.suppress(OSError):
        found = sorted(_files(folder))
        total = sum(file.size for file in found)
        for file in found:
            age = now - file.used
            if age > AT_LEAST and (age > MOST_SECONDS or total > MOST_BYTES):
                with contextlib.suppress(OSError):
                    file.path.unlink()
                total -= file.size
        for place in folder.glob(f"{BUILDING}*"):  # of a process that was killed
            with contextlib.suppress(OSError):
                if now - place.lstat().st_mtime > 24 * AT_LEAST:
                    shutil.rmtree(place, ignore_errors=True)


def _files(folder: Path) -> list[_Found]:
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # gone meanwhile
            told = path.lstat()
            if OURS.fullmatch(path.name) and stat.S_ISREG(told.st_mode):
                found.append(_Found(told.st_mtime, told.st_size, path))
    return found
