"""The toolchain: C source becomes a loaded library, once.

What was built is kept in a folder that belongs to the user alone. Its name has two parts: a digest
of everything that went in (the source, the compiler and its version, the flags and the processor)
and a digest of what came out, so that a file which was damaged since is found out before it is
loaded. A library is built under another name and moved into place in one step: two processes that
build the same thing do not disturb one another.

The folder is ``$XDG_CACHE_HOME/tinygrad_lesson/kernels``, in ``~/.cache`` where that is not set.
What is not used goes in time (``pruning.py``); to empty it, delete the folder, whenever you like:
programs that run keep what they have loaded, and what is needed again is built again.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ...errors import MissingDependencyError, TinygradError
from .pruning import BUILDING, prune, used

FLAGS = ("-std=gnu11", "-O3", "-march=native", "-fPIC", "-shared", "-fno-math-errno",
         "-fno-trapping-math", "-ffp-contract=off", "-fopenmp-simd", "-fvisibility=hidden",
         "-fwrapv", "-pthread")  # fmt: skip
"""No -ffast-math: NaN, infinities, signed zeros and denormals are what they are in NumPy.

Nor is ``x * y + z`` computed with one rounding in the place of two, for NumPy rounds twice: what is
0 there would not be 0 here. (``-fopenmp-simd`` lets the compiler split the sums that are marked for
it; it brings no threads.)
"""

HEADERS = Path(__file__).parent / "c"


class CompilerError(TinygradError, RuntimeError):
    """The C compiler failed."""


@functools.cache
def routines() -> ctypes.CDLL:
    """The library of what programs call (``c/routines.h``), open to all that is loaded later.

    In its sums ``x * y + z`` may have one rounding: the array library's products have, too.
    """
    flags = tuple(flag.replace("contract=off", "contract=fast") for flag in FLAGS)
    return load((HEADERS / "routines.c").read_text(), flags, ctypes.RTLD_GLOBAL)


def load(
    source: str, flags: tuple[str, ...] = FLAGS, mode: int = ctypes.DEFAULT_MODE
) -> ctypes.CDLL:
    """The library that `source` is compiled to, from the cache if it was built before.

    Raises
    ------
    MissingDependencyError
        If there is no C compiler.
    CompilerError
        If it fails; the source is kept, and the message says where and shows the command.
    """
    compiler = find_compiler()
    if compiler is None:
        raise MissingDependencyError(
            "compile", "there is no C compiler",
            "Install one (Debian: apt-get install gcc), set CC, or pip install ziglang.",
        )  # fmt: skip
    text = with_headers(source)
    folder = cache_folder()
    name = _digest("\0".join((text, *compiler, version_of(compiler), *flags, processor())).encode())
    library = _kept(folder, name) or _built(folder, name, text, compiler, flags)
    try:
        return ctypes.CDLL(str(library), mode)
    except OSError as error:  # where no program may be run from, for instance
        raise CompilerError(
            "compile", f"what was built cannot be loaded: {error}",
            "Let XDG_CACHE_HOME be a folder that libraries may be loaded from.",
        ) from error  # fmt: skip


# ---- the cache -----------------------------------------------------------------------------


def cache_folder() -> Path:
    """The folder for what was built, where no one else can write; a temporary one if need be."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        base = given if given.is_absolute() else Path.home() / ".cache"
        folder = base / "tinygrad_lesson" / "kernels"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if _is_mine(found) and stat.S_IMODE(found.st_mode) != 0o700:
            folder.chmod(0o700)
    except (OSError, RuntimeError):  # there is no home, or nothing may be written there
        return _temporary_folder(os.getpid())
    usable = _is_mine(found) and os.access(folder, os.W_OK | os.X_OK)
    return folder if usable else _temporary_folder(os.getpid())


@functools.cache
def _temporary_folder(process: int) -> Path:
    """A folder for this process alone, which takes it away in the end."""
    folder = Path(tempfile.mkdtemp(prefix="tinygrad_lesson-"))

    def remove() -> None:
        if os.getpid() == process:  # and not a child of it
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def _is_mine(found: os.stat_result) -> bool:
    return not hasattr(os, "getuid") or found.st_uid == os.getuid()


def _kept(folder: Path, name: str) -> Path | None:
    """The library of this name, if there is one that is whole, and no one else can have put there.

    (The end of a damaged one might be missing, and then loading it would end the process.)
    """
    for library in folder.glob(f"{name}-*.so"):
        with contextlib.suppress(OSError):  # another process may be just as busy with it
            found = library.lstat()
            mine = stat.S_ISREG(found.st_mode) and _is_mine(found) and not found.st_mode & 0o22
            if mine and library.name == _library_name(name, library.read_bytes()):
                used(library)
                return library
            library.unlink()
    return None


def _library_name(name: str, content: bytes) -> str:
    return f"{name}-{_digest(content)}.so"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


# ---- building ------------------------------------------------------------------------------


def _built(
    folder: Path, name: str, text: str, compiler: tuple[str, ...], flags: tuple[str, ...]
) -> Path:
    """Compile `text`, and keep the library."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=BUILDING) as place:
        written, built = Path(place) / "step.c", Path(place) / "step.so"
        written.write_text(text)
        command, done = _run(compiler, flags, written, built)
        if done.returncode:
            known = _understood(compiler, Path(place), flags)
            if known and known != flags:  # without any, it is not the flags
                command, done = _run(compiler, known, written, built)
        if done.returncode:
            kept = folder / f"{name}.c"
            shutil.copy(written, kept)
            raise CompilerError(
                "compile",
                f"{shlex.join(command)} failed with status {done.returncode}:"
                f" {done.stderr.strip()[-2000:]}",
                f"The source is kept in {kept}; mode='numpy' does without a compiler.",
            )
        built.chmod(0o600)
        library = folder / _library_name(name, built.read_bytes())
        os.replace(built, library)
    prune(folder)
    return library


def _run(
    compiler: tuple[str, ...], flags: tuple[str, ...], source: Path, library: Path
) -> tuple[list[str], subprocess.CompletedProcess[str]]:
    """Compile a file; the command, and how it went."""
    command = [*compiler, *flags, "-o", str(library), str(source), "-lm"]
    try:
        return command, subprocess.run(command, capture_output=True, text=True, errors="replace")
    except OSError as error:
        return command, subprocess.CompletedProcess(command, 127, "", str(error))


def _understood(compiler: tuple[str, ...], place: Path, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the flags that the compiler knows, found by trying each on an empty file."""
    empty, out = place / "empty.c", place / "empty.so"
    empty.write_text("int nothing;\n")

    def knows(flag: str) -> bool:
        return not _run(compiler, (flag, "-shared"), empty, out)[1].returncode

    known = tuple(flag for flag in flags if knows(flag))
    if "-march=native" not in known and knows("-mcpu=native"):  # its name on ARM, in older ones
        known += ("-mcpu=native",)
    return known


def find_compiler() -> tuple[str, ...] | None:
    """The command of a C compiler: ``$CC``, cc, gcc, clang, or the one in the ziglang package."""
    given = shlex.split(os.environ.get("CC", ""))
    if given:
        found = shutil.which(given[0])
        return (found, *given[1:]) if found else None
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return (found,)
    return (sys.executable, "-m", "ziglang", "cc") if find_spec("ziglang") else None


@functools.cache
def version_of(compiler: tuple[str, ...]) -> str:
    """What the compiler says of itself."""
    try:
        done = subprocess.run([*compiler, "--version"], capture_output=True, text=True)
    except OSError:  # so will compiling
        return ""
    return done.stdout.partition("\n")[0]


@functools.cache
def processor() -> str:
    """What tells this processor from others that would not run its code."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    told = ("flags", "Features", "model name", "CPU part")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(told)))


def with_headers(source: str) -> str:
    """The source with the files that it includes in quotes put into it."""
    included: set[str] = set()

    def lines(text: str) -> Iterator[str]:
        for line in text.splitlines():
            if line.startswith('#include "'):
                name = line.split('"')[1]
                found = (HEADERS / name).read_text()
                if name not in included or "#pragma once" not in found:
                    included.add(name)
                    yield from lines(found)
            elif line != "#pragma once":
                yield line

    return "\n".join(lines(source)) + "\n"
