"""The toolchain: C source becomes a library, once.

What was built is kept (``cache.py``) under a digest of everything that went in: the source, the
compiler, the flags and the processor. What is missing is built at the same time, on all cores.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from ...errors import MissingDependencyError, TinygradError
from .. import cache

FLAGS = ("-std=gnu11", "-O3", "-march=native", "-fPIC", "-shared", "-fno-math-errno",
         "-fno-trapping-math", "-ffp-contract=off", "-fopenmp-simd", "-fvisibility=hidden",
         "-fwrapv", "-fno-tree-slp-vectorize", "-pthread",
         *["-Wl,-undefined,dynamic_lookup"] * (sys.platform == "darwin"))  # fmt: skip
"""No -ffast-math: NaN, infinities, signed zeros and denormals are what they are in NumPy.

Nor is ``x * y + z`` computed with one rounding in the place of two, for NumPy rounds twice: what is
0 there would not be 0 here. (``-fopenmp-simd`` lets the compiler split the sums that are marked for
it; it brings no threads.)

Nor may stores that stand side by side become vectors: with AVX-512, gcc 12 then writes other
numbers than it was told. Loops become vectors all the same.

On macOS a linker has to be told that programs call functions of libraries which were loaded before.
"""

HEADERS = Path(__file__).parent / "c"

COMPILERS = re.compile(r"(.+-)?(gcc|clang)(-[0-9.]+)?")
"""What programs are called that are compilers, after all links to them."""

PATIENCE = 2.0
"""Seconds before a bar says that something is being built."""


class CompilerError(TinygradError, RuntimeError):
    """The C compiler failed."""


class Code(NamedTuple):
    """What becomes a library: C source without includes of ours, and the flags to build it with."""

    text: str
    flags: tuple[str, ...] = FLAGS


def load(source: str, flags: tuple[str, ...] = FLAGS) -> ctypes.CDLL:
    """The library that `source` is compiled to; see :func:`build`."""
    (library,) = build([Code(with_headers(source), flags)])
    return opened(library)


def opened(library: Path, mode: int = ctypes.DEFAULT_MODE) -> ctypes.CDLL:
    """A library, loaded."""
    try:
        return ctypes.CDLL(str(library), mode)
    except OSError as error:  # where no program may be run from, for instance
        raise CompilerError(
            "compile", f"what was built cannot be loaded: {error}",
            "Let XDG_CACHE_HOME be a folder that libraries may be loaded from.",
        ) from error  # fmt: skip


def with_headers(source: str) -> str:
    """The source with the files that it includes in quotes put into it."""
    included: set[str] = set()
    lines: list[str] = []

    def put(text: str) -> None:
        for line in text.splitlines():
            if line.startswith('#include "'):
                name = line.split('"')[1]
                found = (HEADERS / name).read_text()
                if name not in included or "#pragma once" not in found:
                    included.add(name)
                    put(found)
            elif line != "#pragma once":
                lines.append(line)

    put(source)
    return "\n".join(lines) + "\n"


# ---- building ------------------------------------------------------------------------------


def build(codes: Sequence[Code]) -> list[Path]:
    """The libraries of some code, from the cache if they were built before.

    Raises
    ------
    MissingDependencyError
        If there is no C compiler.
    CompilerError
        If it fails; the source is kept, and the message says where and shows the command.
    """
    compiler = find_compiler()
    if compiler is None:
        given = os.environ.get("CC", "")
        raise MissingDependencyError(
            "compile", f"there is no C compiler{f' that is called CC={given!r}' if given else ''}",
            "Install one (Debian: apt-get install gcc), set CC, or pip install ziglang.",
        )  # fmt: skip
    try:
        return _built(codes, compiler)
    except OSError as error:
        raise CompilerError(
            "compile", f"what is to be built cannot be written: {error}",
            "Make room, or let XDG_CACHE_HOME be a folder where there is some.",
        ) from error  # fmt: skip


def _built(codes: Sequence[Code], compiler: tuple[str, ...]) -> list[Path]:
    """The same by one compiler."""
    names = {code: _name(code, compiler) for code in codes}
    kept = cache.all_kept(names.values(), ".so")
    building: dict[Code, _Building] = {}
    with contextlib.ExitStack() as places:
        for code, name in names.items():
            if name not in kept:
                place = Path(places.enter_context(cache.workplace()))
                building[code] = _Building(code, compiler, place, name)
                places.callback(building[code].stop)
        _watch([*building.values()])
        kept |= {each.name: each.library() for each in building.values()}
    return [kept[names[code]] for code in codes]


def _name(code: Code, compiler: tuple[str, ...]) -> str:
    """The name under which a library is kept."""
    parts = (code.text, *compiler, version_of(compiler), *code.flags, cache.processor())
    return cache.digest("\0".join(parts).encode())


class _Building:
    """A compiler at work."""

    def __init__(self, code: Code, compiler: tuple[str, ...], place: Path, name: str) -> None:
        self.code, self.compiler, self.place, self.name = code, compiler, place, name
        self._source, self._made = place / "step.c", place / "step.so"
        self._source.write_text(code.text)
        self._told = ""
        self._start(code.flags)

    def _start(self, flags: tuple[str, ...]) -> None:
        self._command = [*self.compiler, *flags, "-o", str(self._made), str(self._source), "-lm"]
        self._process: subprocess.Popen[str] | None = None
        try:
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, errors="replace"
            )
        except OSError as error:
            self._told = str(error)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it is done, or for so long; whether it is done."""
        if self._process is not None and self._process.returncode is None:
            try:
                self._told = self._process.communicate(timeout=seconds)[1]
            except subprocess.TimeoutExpired:
                return False
        return True

    def stop(self) -> None:
        """End it, if it is not done: somebody has interrupted the building."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            self._process.wait()
            assert self._process.stderr is not None
            self._process.stderr.close()

    def status(self) -> int:
        """How it went: 0 is well."""
        self.wait()
        return self._process.returncode if self._process is not None else 127

    def library(self) -> Path:
        """What came of it, kept under its name."""
        if self.status():
            known = _understood(self.compiler, self.place, self.code.flags)
            if known and known != self.code.flags:  # without any, it is not the flags
                self._start(known)
        status = self.status()
        if status or not self._made.exists():
            kept = cache.folder() / f"{self.name}.c"
            shutil.copy(self._source, kept)
            places = {str(self._made): "step.so", str(self._source): str(kept)}
            command = shlex.join(places.get(word, word) for word in self._command)
            failed = f"failed with status {status}" if status else "made nothing"
            raise CompilerError(
                "compile",
                f"{command} {failed}: {self._told.strip()[-2000:]}",
                f"The source is kept in {kept}; mode='numpy' does without a compiler.",
            )
        return cache.keep(self._made, self.name)


def _watch(building: list[_Building]) -> None:
    """Wait until all is built; if that takes long, with a bar for who looks on."""
    end = time.monotonic() + PATIENCE
    if all(each.wait(max(end - time.monotonic(), 0)) for each in building):
        return
    from tqdm import tqdm  # here, so that only a slow build pays for loading it

    with tqdm(building, "building C code", leave=False, unit=" files", disable=None) as bar:
        for each in bar:
            while not each.wait(0.5):
                bar.refresh()


def _understood(compiler: tuple[str, ...], place: Path, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the flags that the compiler knows, found by trying each on an empty file."""
    apart = place / "empty"
    apart.mkdir()

    def knows(flag: str) -> bool:
        empty = Code("int nothing;\n", (flag, "-shared"))
        return not _Building(empty, compiler, apart, "").status()

    known = tuple(flag for flag in flags if knows(flag))
    if "-march=native" not in known and knows("-mcpu=native"):  # its name on ARM, in older ones
        known += ("-mcpu=native",)
    return known


# ---- the compiler --------------------------------------------------------------------------


def find_compiler() -> tuple[str, ...] | None:
    """The command of a C compiler: ``$CC``, cc, gcc, clang, or the one in the ziglang package."""
    try:
        given = shlex.split(os.environ.get("CC", ""))
    except ValueError:  # a quotation mark that is alone
        return None
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
    """What tells a compiler from an older one: its file, or else what it says of itself.

    It takes up to 25 ms to ask, in each process. But a program that is no compiler, and calls one,
    stays the same when that becomes another: ccache, a script, Apple's cc.
    """
    if told := _file_of(compiler[0]):
        return told
    try:
        done = subprocess.run([*compiler, "--version"], capture_output=True, text=True)
    except OSError:  # so will compiling
        return ""
    return done.stdout.partition("\n")[0]


def _file_of(program: str) -> str:
    """Which file a program is, if it is a compiler itself."""
    path = Path(program).resolve()
    if COMPILERS.fullmatch(path.name):
        with contextlib.suppress(OSError), path.open("rb") as file:  # it may not be readable
            if file.read(4) == b"\x7fELF":
                told = os.fstat(file.fileno())
                return f"{path} {told.st_size} {told.st_mtime_ns}"
    return ""
