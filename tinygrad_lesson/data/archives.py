"""Taking files out of a zip or a tar that somebody else packed."""

from __future__ import annotations

import errno
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from ..errors import FileFormatError
from .files import damaged, is_gzip

_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError,
            NotImplementedError, RuntimeError, ValueError)  # fmt: skip


class _Member(NamedTuple):
    name: str
    size: int
    open: Callable[[], IO[bytes] | None]


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    pattern: str,
    *,
    limit: int = 1 << 30,
) -> list[Path]:
    """Put the files of an archive that match into a new folder, without the folders they were in.

    No member chooses where it is written: only regular files are read, only their last names are
    kept, and an archive in which a wanted name climbs (``..``), begins at the root or occurs twice
    is refused. The folder appears when all are in it.

    Parameters
    ----------
    archive
        A zip, or a tar, plain or packed by gzip. (A plain tar has no sums of what is in it:
        damage to that is not seen.)
    folder
        Where the files go. There must be nothing in it.
    pattern
        Which members are wanted, as ``"*/recordings/*.wav"``; see :mod:`fnmatch`.
    limit
        Bytes that they may have together.

    Returns
    -------
    list of Path
        The files, sorted.

    Raises
    ------
    FileFormatError
        If the archive is damaged or refused, or has nothing that matches. Nothing is unpacked then.
    """
    source, target = Path(archive), Path(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as temporary:
        inner = Path(temporary) / target.name
        inner.mkdir()
        total = 0
        with readable(source), _members(source) as members:
            for member in members:
                if not fnmatchcase(member.name, pattern):
                    continue
                place = inner / _safe(source, member.name)
                total += member.size
                if total > limit:
                    raise _refused(source, f"unpacks to more than {limit} bytes")
                if place.exists():
                    raise _refused(source, f"has {place.name} twice")
                content = member.open()
                assert content is not None  # it would be for a folder
                with content, place.open("wb") as file:
                    shutil.copyfileobj(content, file)
        if not any(inner.iterdir()):
            raise _refused(source, f"has nothing in it like {pattern}")
        try:
            os.replace(inner, target)
        except OSError as error:
            raise FileExistsError(f"[unpack] there is something in {target}. Empty it.") from error
    return sorted(target.iterdir())


def check_zip(path: Path) -> None:
    """Refuse a zip that is damaged or cut off, or something else."""
    with readable(path), zipfile.ZipFile(path) as packed:
        bad = packed.testzip()
        if bad is not None:
            raise zipfile.BadZipFile(f"{bad} is damaged")


@contextmanager
def readable(source: Path) -> Iterator[None]:
    """Turn what the readers of archives raise into one error."""
    try:
        yield
    except FileFormatError:
        raise
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # of the disk; the two others are places that no file has
        raise damaged("unpack", source, f"does not unpack: {error}") from error


@contextmanager
def _members(source: Path) -> Iterator[Iterator[_Member]]:
    """The regular files in an archive, one after the other."""
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as packed:
            yield (
                _Member(info.filename, info.file_size, partial(packed.open, info))
                for info in packed.infolist()
                if not info.is_dir()
            )
        return
    with tarfile.open(source, "r:gz" if is_gzip(source) else "r:") as tape:
        yield (
            _Member(info.name, info.size, partial(tape.extractfile, info))
            for info in tape
            if info.isreg()  # no links, no devices
        )
        assert tape.fileobj is not None
        while tape.fileobj.read(1 << 20):  # to the end, where the sum of what is packed stands
            pass


def _safe(source: Path, name: str) -> str:
    """The last part of a member's name, if the whole stays below where it is unpacked."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name:
        raise _refused(source, f"has a member that would leave its folder: {name!r}")
    return parts.name


def _refused(source: Path, what: str) -> FileFormatError:
    return FileFormatError("unpack", f"{source} {what}", "Take it from where it was published.")
