"""The toolchain: C source becomes a loaded library, once.

What was built is kept in a folder that belongs to the user alone, under a name that is a digest of
everything that went in: the source, the compiler and its version, the flags and the processor. A
library is built under a name of its own and moved into place in one step, so that two processes
that build the same thing do not disturb one another.
"""

from __future__ import annotations

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
from importlib.util import find_spec
from pathlib import Path

from ..errors import MissingDependencyError, TinygradError

FLAGS = ("-std=gnu11", "-O3", "-march=native", "-fPIC", "-shared", "-fno-math-errno",
         "-fno-trapping-math", "-fopenmp-simd", "-fvisibility=hidden", "-fwrapv")  # fmt: skip
"""No -ffast-math: NaN, infinities, signed zeros and denormals are what they are in NumPy.

(``-fopenmp-simd`` lets the compiler split the sums that are marked for it; it brings no threads.)
"""

HEADERS = Path(__file__).parent / "c"


class CompilerError(TinygradError, RuntimeError):
    """The C compiler failed."""


def load(source: str) -> ctypes.CDLL:
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
    text = _with_headers(source)
    folder = cache_folder()
    name = hashlib.sha256("\0".join((text, *compiler, version_of(compiler), *FLAGS,
                                     processor())).encode()).hexdigest()[:32]  # fmt: skip
    library = folder / f"{name}.so"
    if _is_ours(library):
        try:
            return ctypes.CDLL(str(library))
        except OSError:  # damaged: it is built again
            library.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        written, built = Path(place) / "step.c", Path(place) / "step.so"
        written.write_text(text)
        command = [*compiler, *FLAGS, "-o", str(built), str(written), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
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
        os.replace(built, library)
    return ctypes.CDLL(str(library))


@functools.cache
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
    done = subprocess.run([*compiler, "--version"], capture_output=True, text=True)
    return done.stdout.partition("\n")[0]


@functools.cache
def processor() -> str:
    """What tells this processor from others that would not run its code."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    told = ("flags", "Features", "model name")
    return "\n".join(line for line in lines if line.startswith(told))


def cache_folder() -> Path:
    """The folder for what was built: no one else can write there."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "tinygrad_lesson" / "kernels"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if hasattr(os, "getuid") and (
        found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o77
    ):
        if found.st_uid == os.getuid():
            folder.chmod(0o700)
        else:  # somebody else's: what lies there is not to be trusted
            return Path(tempfile.mkdtemp(prefix="tinygrad_lesson-"))
    return folder


def _is_ours(library: Path) -> bool:
    """Whether it is a plain file that the user alone can have put there."""
    try:
        found = library.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISREG(found.st_mode) and mine and not stat.S_IMODE(found.st_mode) & 0o22


def _with_headers(source: str) -> str:
    """The source with the files that it includes in quotes put into it."""
    lines = []
    for line in source.splitlines():
        if line.startswith('#include "'):
            line = (HEADERS / line.split('"')[1]).read_text()
        lines.append(line)
    return "\n".join(lines) + "\n"
