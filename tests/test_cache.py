"""The cache: what is kept, what is not trusted, and what is taken away."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinygrad_lesson.compiler import cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an empty cache keeps files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tinygrad_lesson" / "kernels"


NAME = f"{1:032x}"
CONTENT = b"what was made, at some length"


def made(content: bytes = CONTENT, name: str = NAME) -> Path:
    """A file that is kept."""
    with cache.workplace() as place:
        path = Path(place) / "made.so"
        path.write_bytes(content)
        return cache.keep(path, name)


# ---- the folder ----------------------------------------------------------------------------


def test_the_folder_is_closed_to_others(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    assert cache.folder() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_folder_of_somebody_else_is_not_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_is_mine", lambda found: False)
    other = cache.folder()
    assert other != folder
    assert other == cache.folder()  # one for the whole process
    assert stat.S_IMODE(other.stat().st_mode) == 0o700


def test_the_folder_is_found_as_the_standard_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in ("", "not/absolute"):
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert cache.folder() == tmp_path / ".cache" / "tinygrad_lesson" / "kernels"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == tmp_path / ".cache" / "tinygrad_lesson" / "kernels"


def test_a_temporary_folder_goes_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os\nfrom tinygrad_lesson.compiler import cache\n"
        "folder = cache.folder()\nprint(folder)\n"
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


# ---- what is kept ---------------------------------------------------------------------------


def test_what_is_kept_is_found_by_its_name_and_kind(folder: Path) -> None:
    assert cache.kept(NAME, ".so") is None
    path = made()
    assert cache.kept(NAME, ".so") == path
    assert path.read_bytes() == CONTENT
    assert cache.kept(NAME, ".npz") is cache.kept(f"{2:032x}", ".so") is None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*folder.iterdir()] == [path]  # nothing else is left
    assert cache.OURS.fullmatch(path.name)


@pytest.mark.parametrize("left", [b"x" * len(CONTENT), CONTENT[:-1], b""])
def test_what_was_damaged_is_taken_away(folder: Path, left: bytes) -> None:
    path = made()
    path.write_bytes(left)
    assert cache.kept(NAME, ".so") is None
    assert not path.exists()


def test_several_are_found_at_once(folder: Path) -> None:
    names = [f"{n:032x}" for n in range(5)]
    assert cache.all_kept(names, ".so") == {}
    paths = {name: made(name=name) for name in names[:4]}
    paths.pop(names[1]).write_bytes(b"damaged")
    assert cache.all_kept(names[1:], ".so") == {name: paths[name] for name in names[2:4]}


def test_a_folder_that_is_taken_away_meanwhile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made()
    monkeypatch.setattr(cache, "folder", lambda: folder / "gone")
    assert cache.kept(NAME, ".so") is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no owners here")
def test_what_others_can_have_written_is_not_trusted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made()
    path.chmod(0o660)
    assert cache.kept(NAME, ".so") is None
    assert not path.exists()
    elsewhere = folder.parent / "elsewhere"
    made().rename(elsewhere)
    path.symlink_to(elsewhere)
    assert cache.kept(NAME, ".so") is None
    made()
    monkeypatch.setattr(cache, "_is_mine", lambda found: found.st_mode & stat.S_IFDIR)
    assert cache.kept(NAME, ".so") is None
    assert not path.exists()


# ---- what is taken away --------------------------------------------------------------------

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


def test_what_was_not_used_for_long_goes(folder: Path) -> None:
    old = [kept_file(folder, 1, 91 * DAY), kept_file(folder, 2, 91 * DAY, ending="c")]
    recent = [kept_file(folder, 3, 89 * DAY), kept_file(folder, 4, 0), kept_file(folder, 5, -DAY)]
    others = [kept_file(folder, 6, 999 * DAY, ending="txt"), folder / "notes.so", folder / "f"]
    others[1].write_text("not ours")
    os.utime(others[1], (0, 0))
    others[2].symlink_to(others[1])
    link = folder / f"{7:032x}-{7:032x}.so"
    link.symlink_to(others[1])
    abandoned, busy = folder / "build-old", folder / "build-new"
    for place in (abandoned, busy):
        place.mkdir()
        (place / "step.c").touch()
    os.utime(abandoned, (0, 0))
    cache.prune(folder)
    assert not any(path.exists() for path in (*old, abandoned))
    assert all(path.exists() for path in (*recent, *others, link, busy / "step.c"))
    cache.prune(folder / "nowhere")


def test_what_was_used_least_recently_makes_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [kept_file(folder, n, (10 - n) * DAY, 100) for n in range(8)]
    files += [kept_file(folder, n, HOUR / 2, 100) for n in (8, 9)]
    monkeypatch.setattr(cache, "MOST_BYTES", 450)
    os.utime(files[1])
    cache.prune(folder)
    assert [n for n, path in enumerate(files) if path.exists()] == [1, 7, 8, 9]
    monkeypatch.setattr(cache, "MOST_BYTES", 0)
    cache.prune(folder)  # somebody may be about to load what was used an hour ago
    assert [n for n, path in enumerate(files) if path.exists()] == [1, 8, 9]


def test_keeping_takes_away_and_finding_marks_as_used(folder: Path) -> None:
    old = kept_file(folder, 2, 100 * DAY)
    path = made()
    assert not old.exists()
    os.utime(path, (0, 0))
    assert cache.kept(NAME, ".so") == path
    assert path.stat().st_mtime > time.time() - HOUR
