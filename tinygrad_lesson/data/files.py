"""Where a set's files are, and how they are opened: plain, or packed by gzip."""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..errors import FileFormatError
from .download import download as fetch

PathLike = str | os.PathLike[str]


def cache_folder(name: str) -> Path:
    """The folder for the set `name` in the user's cache: ``~/.cache/tinygrad_lesson/<name>``.

    ``$XDG_CACHE_HOME``, if it is set to an absolute path, stands for ``~/.cache``. The folder need
    not exist.
    """
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    cache = given if given.is_absolute() else Path.home() / ".cache"
    return cache / "tinygrad_lesson" / name


def find(
    where: str,
    folder: Path,
    name: str,
    url: str,
    *,
    download: bool = False,
    digest: str | None = None,
    check: Callable[[Path], object] | None = None,
) -> Path:
    """The file `name` of a set, plain or with ``.gz``; fetched from `url` if it may be.

    A file that is there is taken as it is: it may be the user's own.
    """
    plain = name.removesuffix(".gz")
    for path in (folder / plain, folder / f"{plain}.gz"):
        if path.is_file():
            return path
    if download:
        return fetch(url, folder / name, digest=digest, check=check)
    raise FileNotFoundError(
        f"[{where}] there is no {plain} in {folder}, with .gz or without."
        f" Pass download=True, or fetch {url} by hand and put it there."
    )


def is_gzip(path: Path) -> bool:
    """Whether the file says of itself that it is packed; its name may say anything."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


@contextmanager
def opened(where: str, path: Path) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked if it is packed."""
    try:
        with gzip.open(path) if is_gzip(path) else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise damaged(where, path, f"does not unpack: {str(error).rstrip('.')}") from error


def damaged(where: str, path: Path | zipfile.Path, what: str) -> FileFormatError:
    """The error for a file that cannot be read."""
    return FileFormatError(where, f"{path} {what}", "Fetch it again, or use another copy.")
