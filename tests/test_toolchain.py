"""Building C: what is kept, what is not trusted, and what happens where there is no compiler."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.compiler import entry
from tinygrad_lesson.compiler.c_code import pruning, toolchain
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


def test_a_compiler_that_is_no_program(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cc").write_bytes(b"\x00")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    with pytest.raises(toolchain.CompilerError, match="status 127"):
        toolchain.load(SOURCE)


def test_what_cc_names_but_does_not_exist_is_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    assert toolchain.find_compiler() is None


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


# ---- the cache -----------------------------------------------------------------------------


@needs_compiler
def test_a_library_is_built_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert toolchain.load(SOURCE).answer() == 42
    (library,) = libraries(cache)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(library.stat().st_mode) == 0o600
    assert [path.name for path in cache.iterdir()] == [library.name]  # nothing else is left
    monkeypatch.setattr(toolchain, "_built", lambda *_: pytest.fail("built again"))
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
        patch.setattr(toolchain, "processor", lambda: "flags: none")
        toolchain.load(SOURCE)
    names = {library.name.partition("-")[0] for library in libraries(cache)}
    assert len(names) == 4


@needs_compiler
@pytest.mark.parametrize("damage", ["garbage", "half", "empty"])
def test_a_damaged_library_is_built_again(cache: Path, damage: str) -> None:
    toolchain.load(SOURCE)
    (library,) = libraries(cache)
    whole = library.read_bytes()
    library.unlink()  # it is loaded: to write into it would change the program that runs
    left = {"garbage": b"x" * 100, "half": whole[: len(whole) // 2], "empty": b""}
    library.write_bytes(left[damage])
    library.chmod(0o600)
    assert toolchain.load(SOURCE).answer() == 42
    assert [path.read_bytes() for path in libraries(cache)] == [whole]


@needs_compiler
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners here")
def test_what_others_can_have_written_is_not_loaded(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchain.load(SOURCE)
    (library,) = libraries(cache)
    name = library.name.partition("-")[0]
    assert toolchain._kept(cache, name) == library
    library.chmod(0o660)
    assert toolchain._kept(cache, name) is None
    assert not library.exists()
    elsewhere = cache.parent / "elsewhere"
    toolchain.load(SOURCE)
    library.rename(elsewhere)
    library.symlink_to(elsewhere)
    assert toolchain._kept(cache, name) is None
    toolchain.load(SOURCE)
    monkeypatch.setattr(toolchain, "_is_mine", lambda found: False)
    assert toolchain._kept(cache, name) is None


def test_the_folder_is_closed_to_others(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    assert toolchain.cache_folder() == cache
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_the_folder_of_somebody_else_is_not_used(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "_is_mine", lambda found: False)
    folder = toolchain.cache_folder()
    assert folder != cache
    assert folder == toolchain.cache_folder()  # one for the whole process
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@needs_compiler
def test_where_nothing_can_be_written_a_temporary_folder_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert not toolchain.cache_folder().is_relative_to(tmp_path)
    assert toolchain.load(SOURCE).answer() == 42


def test_the_folder_is_found_as_the_standard_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "not/absolute"):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert toolchain.cache_folder() == tmp_path / ".cache" / "tinygrad_lesson" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert toolchain.cache_folder() == tmp_path / ".cache" / "tinygrad_lesson" / "kernels"


def test_a_temporary_folder_goes_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os\nfrom tinygrad_lesson.compiler.c_code.toolchain import cache_folder\n"
        "folder = cache_folder()\nprint(folder)\n"
        "if not os.fork():\n    raise SystemExit\n"
        "os.wait()\nassert folder.exists()\n"
    )
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "file")},
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert not Path(done.stdout.split()[0]).exists()


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


# ---- pruning -------------------------------------------------------------------------------

HOUR: float = 3600
DAY: float = 24 * HOUR


def kept_file(folder: Path, number: int, age: float, size: int = 100, ending: str = "so") -> Path:
    """A file like those of the cache that was last used so many seconds ago."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = f"{number:032x}"
    path = folder / (f"{digest}-{digest}.so" if ending == "so" else f"{digest}.{ending}")
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_what_was_not_used_for_long_goes(cache: Path) -> None:
    old = [kept_file(cache, 1, 91 * DAY), kept_file(cache, 2, 91 * DAY, ending="c")]
    recent = [kept_file(cache, 3, 89 * DAY), kept_file(cache, 4, 0), kept_file(cache, 5, -DAY)]
    others = [kept_file(cache, 6, 999 * DAY, ending="txt"), cache / "notes.so", cache / "f"]
    others[1].write_text("not ours")
    os.utime(others[1], (0, 0))
    others[2].symlink_to(others[1])
    link = cache / f"{7:032x}-{7:032x}.so"
    link.symlink_to(others[1])
    abandoned, busy = cache / "build-old", cache / "build-new"
    for folder in (abandoned, busy):
        folder.mkdir()
        (folder / "step.c").touch()
    os.utime(abandoned, (0, 0))
    pruning.prune(cache)
    assert not any(path.exists() for path in (*old, abandoned))
    assert all(path.exists() for path in (*recent, *others, link, busy / "step.c"))
    pruning.prune(cache / "nowhere")


def test_what_was_used_least_recently_makes_room(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [kept_file(cache, n, (10 - n) * DAY, 100) for n in range(8)]
    files += [kept_file(cache, n, HOUR / 2, 100) for n in (8, 9)]
    monkeypatch.setattr(pruning, "MOST_BYTES", 450)
    pruning.used(files[1])
    pruning.prune(cache)
    assert [n for n, path in enumerate(files) if path.exists()] == [1, 7, 8, 9]
    monkeypatch.setattr(pruning, "MOST_BYTES", 0)
    pruning.prune(cache)  # somebody may be about to load what was used an hour ago
    assert [n for n, path in enumerate(files) if path.exists()] == [1, 8, 9]


@needs_compiler
def test_building_prunes_and_loading_marks_as_used(cache: Path) -> None:
    old = kept_file(cache, 1, 100 * DAY)
    toolchain.load(SOURCE)
    assert not old.exists()
    (library,) = libraries(cache)
    os.utime(library, (0, 0))
    toolchain.load(SOURCE)
    assert library.stat().st_mtime > time.time() - HOUR
    assert pruning.OURS.fullmatch(library.name)
    assert [path.name for path in cache.iterdir()] == [library.name]


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
