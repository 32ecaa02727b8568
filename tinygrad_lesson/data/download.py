"""Fetching a file: with patience, from where it broke off, and whole or not at all.

What arrives is kept beside its place, as ``<name>.part``, and moved there when it is complete and
checked. A digest guards against damage; where only an MD5 is published, it is no proof against
someone who forges files.

The tests fetch from a server of their own. They have never used the real addresses of any set.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from ssl import SSLCertVerificationError, SSLError
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ..arguments import count
from ..errors import ArgumentError, DownloadError, RangeError

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

PAUSE = 0.5
"""Seconds before the second attempt; doubled before each later one."""

_CHUNK = 1 << 16
_BUSY = {408, 425, 429, 500, 502, 503, 504}  # what a server answers that may do better later
_LINE = (URLError, ConnectionError, TimeoutError, HTTPException, SSLError)


def download(
    url: str,
    path: str | os.PathLike[str],
    *,
    digest: str | None = None,
    check: Callable[[Path], object] | None = None,
    timeout: float = 30.0,
    attempts: int = 5,
) -> Path:
    """Fetch a file, unless it is there already.

    A download that breaks off goes on where it was, now or in a later call, if the server can send
    part of a file. Several processes may ask for the same file: one fetches it, the others wait
    (not on Windows). On a terminal, a bar shows how far it is.

    Parameters
    ----------
    url
        Begins with ``https://`` or ``http://``. From the first one is never led to the second.
    path
        Where the file goes. Missing folders are made.
    digest
        What the file must have, such as ``"md5:9fb6..."`` or ``"sha256:86c4..."``. Without it,
        only the size is checked, if the server tells it.
    check
        Called with the complete file before it gets its name; raises if the file is not good.
    timeout
        Seconds that the server may be silent.
    attempts
        How often a line that breaks or a busy server is tried.

    Raises
    ------
    DownloadError
        If the file cannot be had, or has another digest. No file is left then, but for the part to
        go on from.
    """
    if not url.startswith(("https://", "http://")):
        raise ArgumentError("download", f"url={url!r} is no address", "Begin it with https://.")
    if digest is not None and digest.partition(":")[0] not in hashlib.algorithms_guaranteed:
        raise ArgumentError("download", f"digest={digest!r} has no kind", 'Write "sha256:86c4...".')
    if count("download", "attempts", attempts) < 1:
        raise RangeError("download", "attempts=0 fetches nothing", "Pass 1 or more.")
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.parent):
            if target.exists():
                _verify(target, url, target, digest)
                return target
            part = target.with_name(f"{target.name}.part")
            _try(url, part, target, timeout, attempts)
            try:
                _verify(part, url, target, digest)
                if check is not None:
                    check(part)
            except Exception:
                part.unlink()
                raise
            os.replace(part, target)
    except DownloadError:
        raise
    except OSError as error:  # of the disk; those of the line are dealt with where they occur
        raise DownloadError(
            "download",
            f"{target} cannot be written: {error.strerror or error}",
            "Choose a folder that you may write to, on a disk with space.",
        ) from error
    return target


def _try(url: str, part: Path, target: Path, timeout: float, attempts: int) -> None:
    """Fetch into `part`, as often as it takes."""
    for attempt in range(1, attempts + 1):
        if attempt > 1:
            time.sleep(PAUSE * 2 ** (attempt - 2))
        try:
            _receive(url, part, target.name, timeout)
            return
        except _LINE as error:
            if isinstance(error, HTTPError):
                error.close()
            refused = isinstance(error, HTTPError) and error.code not in _BUSY
            forged = isinstance(getattr(error, "reason", error), SSLCertVerificationError)
            if attempt == attempts or refused or forged:
                tries = f" ({attempt} attempts)" if attempt > 1 else ""
                raise _failed(
                    url, target, f"could not be fetched: {_reason(error)}{tries}"
                ) from error


def _receive(url: str, part: Path, name: str, timeout: float) -> None:
    """Fetch what `part` still lacks."""
    start = part.stat().st_size if part.exists() else 0
    # Without "identity" a server might pack what it sends, and count other bytes than we keep.
    headers = {"User-Agent": "tinygrad_lesson", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        answer = urlopen(Request(url, headers=headers), timeout=timeout)
    except HTTPError as error:
        if error.code != 416:
            raise
        error.close()  # nothing comes after `start`: the part is complete, or of another file
        if error.headers.get("Content-Range") != f"bytes */{start}":
            part.unlink()
            raise ConnectionError("the part that was there is not of this file") from error
        return
    with answer:
        if url.startswith("https:") and not answer.url.startswith("https:"):
            raise ConnectionError(f"it leads to {answer.url}, which is not protected")
        if answer.status == 206:
            first = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
            if first is None or int(first[1]) != start:
                part.unlink()
                raise ConnectionError("the server sent another part than it was asked for")
        else:
            start = 0  # the server sends all of it
        total = None if answer.length is None else start + answer.length
        with part.open("ab" if start else "wb") as file, _bar(name, start, total) as advance:
            _copy(answer, file, advance)
            file.flush()
            os.fsync(file.fileno())
    size = part.stat().st_size
    if total is not None and size != total:
        raise ConnectionError(f"the line broke after {size} of {total} bytes")


def _copy(answer: HTTPResponse, file: Any, advance: Callable[[int], object]) -> None:
    while chunk := answer.read(_CHUNK):
        file.write(chunk)
        advance(len(chunk))


@contextmanager
def _bar(name: str, start: int, total: int | None) -> Iterator[Callable[[int], object]]:
    """Shows what has arrived, if someone can see it."""
    if not sys.stderr.isatty():
        yield lambda size: None
        return
    from tqdm import tqdm  # here, so that only a download pays for loading it

    with tqdm(desc=name, initial=start, total=total, unit="B", unit_scale=True) as bar:
        yield bar.update


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for others that fetch into this folder, where the system can lock one."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _verify(path: Path, url: str, target: Path, digest: str | None) -> None:
    if digest is None:
        return
    kind, _, expected = digest.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False))
    if found.hexdigest() != expected:
        raise _failed(
            url,
            target,
            f"is not what was published: its {kind} is {found.hexdigest()}, not {expected}",
            " Delete what is there." if path == target else "",
        )


def _failed(url: str, target: Path, what: str, first: str = "") -> DownloadError:
    remedy = f"{first} Try again later, or fetch it by hand and put it at {target}.".strip()
    return DownloadError("download", f"{url} {what}", remedy)


def _reason(error: BaseException) -> str:
    """What went wrong, in words."""
    if isinstance(error, HTTPError):
        return f"the server answered {error.code} {error.reason}"
    cause = getattr(error, "reason", error)
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__).rstrip(".")
