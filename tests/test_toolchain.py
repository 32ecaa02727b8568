"""Building C: what is kept, what is not trusted, and what happens where there is no compiler."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.compiler import entry
from tinygrad_lesson.compiler.c_code import routines, toolchain
from tinygrad_lesson.compiler.entry import CompilerWarning
from tinygrad_lesson.errors import MissingDependencyError

SOURCE = '__attribute__((visibility("default"))) int answer(void) { return 42; }\n'

needs_compiler = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and where it keeps libraries."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tinygrad_lesson" / "kernels"


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)


@pytest.fixture(autouse=True)
def everything_is_said() -> Iterator[None]:
    entry._say_once.cache_clear()
    yield
    entry._say_once.cache_clear()


def script(path: Path, text: str) -> str:
    """A program for CC."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def libraries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.so"))


def double(x: tl.Tensor) -> tl.Tensor:
    return x + x


# ---- no compiler, or one that fails --------------------------------------------------------


def test_without_a_compiler_numpy_takes_over(no_compiler: None, cache: Path) -> None:
    with pytest.raises(MissingDependencyError, match=r"no C compiler.*apt-get install gcc.*CC"):
        toolchain.load(SOURCE)
    steps = [tl.compile(double, mode="c") for _ in range(2)]

    def results() -> list[list[float]]:
        return [step(tl.Tensor([1.0, 2.0])).tolist() for _ in range(3) for step in steps]

    with pytest.warns(CompilerWarning, match=r"ziglang\. NumPy takes over") as told:
        assert results() == [[2.0, 4.0]] * 6
    assert [warning.filename for warning in told] == [__file__]  # one, at the line of the call


def test_a_compiler_that_fails(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", script(tmp_path / "broken", "echo no space left >&2; exit 1"))
    with pytest.raises(toolchain.CompilerError, match="no space left") as raised:
        toolchain.load(SOURCE)
    assert f"{tmp_path / 'broken'} -std=gnu11" in str(raised.value)
    (kept,) = cache.glob("*.c")
    assert kept.read_text() == SOURCE
    assert str(kept) in str(raised.value)
    step = tl.compile(double, mode="c")
    with pytest.warns(CompilerWarning, match=r"failed with status 1.*NumPy takes over"):
        results = [step(tl.Tensor([1.0, 2.0])).tolist() for _ in range(3)]
    assert results == [[2.0, 4.0]] * 3


def test_a_compiler_that_makes_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", script(tmp_path / "silent", "exit 0"))
    with pytest.raises(toolchain.CompilerError, match=r"silent .* made nothing") as raised:
        toolchain.load(SOURCE)
    (kept,) = cache.glob("*.c")
    assert f"-o step.so {kept} -lm" in str(raised.value)  # can be repeated by hand
    with pytest.raises(toolchain.CompilerError) as again:
        toolchain.load(SOURCE)
    assert str(again.value) == str(raised.value)  # so it is told once


@needs_compiler
def test_what_cannot_be_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, or a folder that somebody takes away while the compiler works."""

    def full(path: Path, text: str) -> int:
        raise OSError(28, "No space left on device")

    step = tl.compile(double, mode="c")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.warns(CompilerWarning, match=r"No space left.*XDG_CACHE_HOME.*NumPy takes"):
            assert [step(tl.ones(2)).tolist() for _ in range(3)] == [[2.0, 2.0]] * 3
    gone = f'rm -r {cache}; exec {shlex.join(toolchain.find_compiler() or ())} "$@"'
    monkeypatch.setenv("CC", script(cache.parents[1].with_name("taken"), gone))
    with pytest.raises(toolchain.CompilerError, match="cannot be written"):
        toolchain.load(SOURCE)


def test_a_compiler_that_is_no_program(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cc").write_bytes(b"\x00")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    with pytest.raises(toolchain.CompilerError, match="status 127"):
        toolchain.load(SOURCE)


def test_what_cc_names_but_does_not_exist_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no-such-compiler -m64", "gcc 'half"):
        monkeypatch.setenv("CC", name)
        assert toolchain.find_compiler() is None
        with pytest.raises(
            MissingDependencyError, match="no C compiler that is called CC="
        ) as told:
            toolchain.load(SOURCE)
        assert name in str(told.value)


@needs_compiler
def test_cc_may_have_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = toolchain.find_compiler()
    assert compiler is not None
    monkeypatch.setenv("CC", f"{compiler[0]} -DNAME='a b'")
    assert toolchain.find_compiler() == (compiler[0], "-DNAME=a b")


@needs_compiler
def test_flags_that_the_compiler_does_not_know_are_left_out(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = toolchain.find_compiler()
    assert compiler is not None
    refuse = (
        'for x in "$@"; do case "$x" in -march=native|-fno-trapping-math) echo $x; exit 1;; esac;'
        f' [ "$x" = -mcpu=native ] && exec true; done; exec {compiler[0]} "$@"'
    )
    monkeypatch.setenv("CC", script(tmp_path / "old", refuse))
    found = toolchain._understood((str(tmp_path / "old"),), tmp_path, toolchain.FLAGS)
    left = tuple(f for f in toolchain.FLAGS if f not in ("-march=native", "-fno-trapping-math"))
    assert found == (*left, "-mcpu=native")
    accept = refuse.replace("exec true", "continue").replace("; exec", "; exec env")
    monkeypatch.setenv("CC", script(tmp_path / "old", accept))
    monkeypatch.setattr(toolchain, "_understood", lambda *_: left)
    assert toolchain.load(SOURCE).answer() == 42


@pytest.mark.parametrize("name", ["gcc", "gcc-12", "aarch64-linux-gnu-gcc", "clang-14"])
def test_a_compiler_is_known_by_its_file(tmp_path: Path, name: str) -> None:
    """It need not even run. Its links may be called anything."""
    file, told = tmp_path / name, []
    for content in (b"\x7fELF of one", b"\x7fELF of another"):
        file.write_bytes(content)
        told.append(toolchain.version_of.__wrapped__((str(file),)))
    os.utime(file, (1, 1))
    told.append(toolchain.version_of.__wrapped__((str(file),)))
    assert len({*told, ""}) == 4
    (tmp_path / "c99").symlink_to(file)
    assert toolchain.version_of.__wrapped__((str(tmp_path / "c99"), "-m64")) == told[-1]


def test_what_may_only_call_a_compiler_is_asked(tmp_path: Path) -> None:
    for name in ("gcc", "ccache", "clang.sh"):
        program = script(tmp_path / name, f'[ "$2" = --version ] && echo "{name} of $1"')
        assert toolchain.version_of.__wrapped__((program, "1999")) == f"{name} of 1999"
    (tmp_path / "cc").symlink_to(tmp_path / "ccache")
    assert toolchain.version_of.__wrapped__((str(tmp_path / "cc"), "x")) == "ccache of x"
    assert toolchain.version_of.__wrapped__((str(tmp_path / "no-such-gcc"),)) == ""


# ---- the cache -----------------------------------------------------------------------------


@needs_compiler
def test_a_library_is_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert toolchain.load(SOURCE).answer() == 42
    (library,) = libraries(cache)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(library.stat().st_mode) == 0o600
    assert [path.name for path in cache.iterdir()] == [library.name]  # nothing else is left
    monkeypatch.setattr(toolchain, "_Building", lambda *_: pytest.fail("built again"))
    assert toolchain.load(SOURCE).answer() == 42


@needs_compiler
def test_another_compiler_or_processor_or_source_gives_another_library(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain.load(SOURCE)
    toolchain.load(SOURCE + "/* */")
    with monkeypatch.context() as patch:
        patch.setattr(toolchain, "version_of", lambda compiler: "gcc of the year 3000")
        toolchain.load(SOURCE)
    with monkeypatch.context() as patch:
        patch.setattr(toolchain.cache, "processor", lambda: "flags: none")
        toolchain.load(SOURCE)
    names = {library.name.partition("-")[0] for library in libraries(cache)}
    assert len(names) == 4


@needs_compiler
def test_a_damaged_library_is_built_again(cache: Path) -> None:
    toolchain.load(SOURCE)
    (library,) = libraries(cache)
    whole = library.read_bytes()
    library.unlink()  # it is loaded: to write into it would change the program that runs
    library.write_bytes(whole[: len(whole) // 2])
    library.chmod(0o600)
    assert toolchain.load(SOURCE).answer() == 42
    assert [path.read_bytes() for path in libraries(cache)] == [whole]


@needs_compiler
def test_where_nothing_can_be_written_a_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert toolchain.load(SOURCE).answer() == 42
    assert [*tmp_path.iterdir()] == [tmp_path / "file"]


@needs_compiler
def test_processes_that_build_the_same_do_not_disturb_one_another(
    cache: Path, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom tinygrad_lesson.compiler.c_code.toolchain import load\n"
        "sys.stdin.readline()\n"
        f"print(load({SOURCE!r}).answer())\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]  # fmt: skip
    for process in started:  # all are told to go once all have started
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[0] for process in started] == ["42\n"] * 3
    assert len(libraries(cache)) == 1


@needs_compiler
def test_what_is_missing_is_built_at_the_same_time(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = toolchain.find_compiler()
    assert compiler is not None
    together = (  # each waits for the other
        f'[ "$1" = --version ] && exit; touch {tmp_path}/$$;'
        f" while [ $(ls {tmp_path} | grep -c '^[0-9]*$') -lt 2 ]; do sleep 0.01; done;"
        f' exec {compiler[0]} "$@"'
    )
    monkeypatch.setenv("CC", script(tmp_path / "slow", together))
    codes = [toolchain.Code(SOURCE.replace("42", answer)) for answer in ("1", "2", "1")]
    found = [toolchain.opened(path).answer() for path in toolchain.build(codes)]
    assert found == [1, 2, 1]
    assert len(libraries(cache)) == 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_building_can_be_interrupted(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = f'[ "$1" = --version ] && exit; touch {tmp_path}/begun; exec sleep 60'
    monkeypatch.setenv("CC", script(tmp_path / "slow", begun))
    monkeypatch.setattr(toolchain, "PATIENCE", 0.01)

    def interrupt(*_: object) -> None:
        if (tmp_path / "begun").exists():
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        with pytest.raises(KeyboardInterrupt):
            toolchain.load(SOURCE)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not [*cache.iterdir()]


# ---- what is the same in all programs ------------------------------------------------------

VERSION = '__attribute__((visibility("default"))) int N(tl_{0})(void) {{ return {1}; }}\n'


@pytest.fixture
def headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes a version of the package with one function in each of two headers."""

    def make(version: int) -> None:
        for kept in (routines._homes, routines._text, routines._digest):
            monkeypatch.setattr(routines, kept.__name__, functools.cache(kept.__wrapped__))
        folder = tmp_path / str(version)
        shutil.copytree(toolchain.HEADERS, folder, dirs_exist_ok=True)
        for number, name in enumerate(("one", "two")):
            (folder / f"{name}.h").write_text(VERSION.format(name, 10 * version + number))
        monkeypatch.setattr(toolchain, "HEADERS", folder)
        monkeypatch.setattr(routines, "HEADERS", folder)
        monkeypatch.setattr(routines, "HOMES", ("one", "two"))
        monkeypatch.setattr(routines, "_LOADED", {})

    return make


def calling(*names: str) -> str:
    """A program that adds up what routines return."""
    declared = "".join(f"int {name}(void);\n" for name in names)
    return declared + SOURCE.replace("42", " + ".join(f"{name}()" for name in names))


@needs_compiler
def test_two_versions_of_the_routines_do_not_meet(
    cache: Path, headers: Callable[[int], None]
) -> None:
    programs = []
    for version in (1, 2, 3):
        headers(version)
        programs.append(routines.load(calling("tl_one_f32", "tl_two_f32")))
        assert routines.function("tl_two_f64")() == 10 * version + 1
    assert [program.answer() for program in programs] == [21, 41, 61]


@needs_compiler
def test_a_program_gets_the_parts_that_it_calls(
    cache: Path, headers: Callable[[int], None]
) -> None:
    headers(1)
    assert routines.load(calling("tl_two_f64")).answer() == 11
    assert {*routines._LOADED} == {routines.TEAM, ("two", "f64")}
    assert routines.load(calling("tl_one_f32", "tl_two_f64")).answer() == 21
    assert {*routines._LOADED} == {routines.TEAM, ("two", "f64"), ("one", "f32")}
    assert len(libraries(cache)) == 5


# ---- what a library does to the process ----------------------------------------------------


@needs_compiler
def test_denormals_stay_what_they_are(cache: Path) -> None:
    toolchain.load('#include "elementary.h"\n' + SOURCE)
    for dtype in (np.float32, np.float64):
        tiny = np.full(8, np.finfo(dtype).tiny, dtype)
        assert np.all(tiny / 4 * 4 == tiny)
        assert np.all(tiny / 4 > 0)


@needs_compiler
@pytest.mark.parametrize("name", ["gcc", "clang"])
def test_the_headers_compile_without_a_warning(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}")
    (tmp_path / "all.c").write_text(toolchain.with_headers('#include "elementary.h"\n' + SOURCE))
    flags = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-type-limits",
             "-Wno-tautological-constant-out-of-range-compare")  # fmt: skip
    command = [found, *toolchain.FLAGS, *flags, "-o", str(tmp_path / "all.so"),
               str(tmp_path / "all.c"), "-lm"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.returncode, done.stderr[-3000:]


def test_warnings_are_raised_where_the_user_wants_errors(no_compiler: None, cache: Path) -> None:
    step = tl.compile(double, mode="c")
    step(tl.Tensor([1.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CompilerWarning):
            step(tl.Tensor([1.0]))
    assert step(tl.Tensor([1.0])).tolist() == [2.0]
