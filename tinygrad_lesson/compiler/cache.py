"""The cache: what was made for a step is kept in files, for later processes.

They lie in a folder that belongs to the user alone. The name of a file has two parts: a digest of
everything that went in, and one of what came out, so that a file which was damaged since is found
out before it is used. It is written under another name and moved into place in one step: two
processes that make the same thing do not disturb one another.

The folder is ``$XDG_CACHE_HOME/tinygrad_lesson/kernels``, in ``~/.cache`` where that is not set. To
empty it, delete it, whenever you like: programs that run keep what they have loaded, and what is
needed again is made again.

It does not grow for ever. Whenever something new is kept, what nobody used for 90 days goes, and
then what was not used for the longest time until 1 GiB is left. A file that is used is marked so
(its time of modification), and what was used within the last hour stays in any case: so no other
process can be about to load what is taken away. Only files with names as they are given here are
touched.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import platform
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 1 << 30
"""So much is kept."""

MOST_SECONDS = 90 * 24 * 3600
"""And so long, if nobody uses it."""

AT_LEAST = 3600
"""What was used within so many seconds is not taken away."""

OURS = re.compile(r"[0-9a-f]{32}(-[0-9a-f]{32}\.(so|npz)|\.c)")
"""What libraries and tapes are called, and sources that the compiler refused."""

BUILDING = "build-"
"""How the names of folders begin in which something is being made."""


# ---- the folder ----------------------------------------------------------------------------


def folder() -> Path:
    """The folder for what is kept, where no one else can write; a temporary one if need be."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        base = given if given.is_absolute() else Path.home() / ".cache"
        place = base / "tinygrad_lesson" / "kernels"
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = place.stat()
        if _is_mine(found) and stat.S_IMODE(found.st_mode) != 0o700:
            place.chmod(0o700)
    except (OSError, RuntimeError):  # there is no home, or nothing may be written there
        return _temporary_folder(os.getpid())
    usable = _is_mine(found) and os.access(place, os.W_OK | os.X_OK)
    return place if usable else _temporary_folder(os.getpid())


@functools.cache
def _temporary_folder(process: int) -> Path:
    """A folder for this process alone, which takes it away in the end."""
    place = Path(tempfile.mkdtemp(prefix="tinygrad_lesson-"))

    def remove() -> None:
        if os.getpid() == process:  # and not a child of it
            shutil.rmtree(place, ignore_errors=True)

    atexit.register(remove)
    return place


def _is_mine(found: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or found.st_uid == os.getuid()


# ---- what is kept in it --------------------------------------------------------------------


def digest(content: bytes) -> str:
    """What a name is made of."""
    return hashlib.sha256(content).hexdigest()[:32]


def kept(name: str, ending: str) -> Path | None:
    """The file of this name, if there is one that is whole, and no one else can have put there.

    Parameters
    ----------
    name
        The digest of everything that it was made of.
    ending
        Of what kind it is: ``".so"``.
    """
    return all_kept([name], ending).get(name)


def all_kept(names: Iterable[str], ending: str) -> dict[str, Path]:
    """Those of some files that :func:`kept` would find, by name: the folder is read once."""
    place, wanted, found = folder(), set(names), dict[str, Path]()
    for file in _listed(place):
        name = file.partition("-")[0]
        if name in wanted and name not in found and file.endswith(ending):
            with contextlib.suppress(OSError):  # another process may be just as busy with it
                if _is_whole(place / file):
                    found[name] = place / file
    return found


def _listed(place: Path) -> list[str]:
    """The names of all files; (``Path.glob`` would match a pattern with each)."""
    try:
        return os.listdir(place)
    except OSError:  # somebody has just taken the folder away
        return []


def _is_whole(path: Path) -> bool:
    """Whether a file is what was put there, which marks it as used; what it is not goes."""
    found = path.lstat()
    mine = stat.S_ISREG(found.st_mode) and _is_mine(found) and not found.st_mode & 0o22
    if mine and path.stem.partition("-")[2] == digest(path.read_bytes()):
        os.utime(path)
        return True
    path.unlink()
    return False


def workplace() -> tempfile.TemporaryDirectory[str]:
    """A folder in which to make something before it is kept."""
    return tempfile.TemporaryDirectory(dir=folder(), prefix=BUILDING)


def keep(made: Path, name: str) -> Path:
    """Move a file out of its workplace, to be found under this name; say where it is now."""
    made.chmod(0o600)
    place = made.parent.parent
    path = place / f"{name}-{digest(made.read_bytes())}{made.suffix}"
    os.replace(made, path)
    prune(place)
    return path


@functools.cache
def processor() -> str:
    """What tells this processor from others, where what was made might not run or differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    told = ("flags", "Features", "model name", "CPU part")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(told)))


# ---- what is taken away --------------------------------------------------------------------


class _Found(NamedTuple):
    """A file that may be taken away."""

    used: float
    size: int
    path: Path


def prune(place: Path) -> None:
    """Take away what was not used for long; it does not matter if another process does the same."""
    now = time.time()
    with contextlib.suppress(OSError):
        found = sorted(_files(place))
        total = sum(file.size for file in found)
        for file in found:
            age = now - file.used
            if age > AT_LEAST and (age > MOST_SECONDS or total > MOST_BYTES):
                with contextlib.suppress(OSError):
                    file.path.unlink()
                total -= file.size
        for abandoned in place.glob(f"{BUILDING}*"):  # by a process that was killed
            with contextlib.suppress(OSError):
                if now - abandoned.lstat().st_mtime > 24 * AT_LEAST:
                    shutil.rmtree(abandoned, ignore_errors=True)


def _files(place: Path) -> list[_Found]:
    found = []
    for path in place.iterdir():
        with contextlib.suppress(OSError):  # gone meanwhile
            told = path.lstat()
            if OURS.fullmatch(path.name) and stat.S_ISREG(told.st_mode):
                found.append(_Found(told.st_mtime, told.st_size, path))
    return found
