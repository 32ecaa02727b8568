"""Fetching files from a server that breaks off, is busy, or lies; and unpacking what came."""

from __future__ import annotations

import hashlib
import importlib
import io
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLCertVerificationError
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest

from tinygrad_lesson import data
from tinygrad_lesson.errors import ArgumentError, DownloadError, FileFormatError, RangeError

module = importlib.import_module("tinygrad_lesson.data.download")

CONTENT = bytes(np.random.default_rng(0).integers(0, 256, 300_000, np.uint8))
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
OTHER = f"md5:{hashlib.md5(b'other').hexdigest()}"


class Home(ThreadingHTTPServer):
    """A server on this machine, and what it does wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {"/set.bin": CONTENT}
        self.ranges = True  # sends a part when asked for one
        self.sized = True  # tells how long a file is
        self.chunked = False  # sends pieces, each with its length
        self.cuts: list[int] = []  # bytes after which each of the first answers breaks off
        self.statuses: list[int] = []  # what each of the first answers is instead
        self.shift = 0  # how far beside the asked part the sent one begins
        self.delay = 0.0
        self.asked: list[str | None] = []  # the range in each request

    def address(self, path: str = "/set.bin") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client may hang up."""


class Handler(BaseHTTPRequestHandler):
    server: Home

    def do_GET(self) -> None:
        home, wanted = self.server, self.headers.get("Range")
        home.asked.append(wanted)
        time.sleep(home.delay)
        if home.statuses:
            self.send_error(home.statuses.pop(0))
            return
        if self.path not in home.files:
            self.send_error(404)
            return
        content = home.files[self.path]
        total, start = len(content), 0
        if wanted and home.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= total:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{total}")
                self.end_headers()
                return
            start += home.shift
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        else:
            self.send_response(200)
        if home.sized:
            self.send_header("Content-Length", str(total - start))
        if home.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        content = content[start:]
        if home.chunked:
            content = b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
        self.wfile.write(content[: home.cuts.pop(0)] if home.cuts else content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(module, "PAUSE", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Home() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- fetching ----------------------------------------------------------------------------


def test_a_file_is_fetched_once(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "new" / "set.bin"
    for _ in range(2):
        assert data.download(home.address(), target, digest=DIGEST) == target
        assert target.read_bytes() == CONTENT
    assert home.asked == [None]
    assert left_in(target.parent) == ["set.bin"]


def test_it_goes_on_where_the_line_broke(home: Home, tmp_path: Path) -> None:
    home.cuts = [100_000, 50_000]
    target = data.download(home.address(), tmp_path / "set.bin", digest=DIGEST)
    assert target.read_bytes() == CONTENT
    assert home.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_it_goes_on_in_a_later_call(home: Home, tmp_path: Path) -> None:
    home.cuts = [100_000]
    with pytest.raises(DownloadError, match="the line broke after 100000 of 300000 bytes"):
        data.download(home.address(), tmp_path / "set.bin", attempts=1)
    assert left_in(tmp_path) == ["set.bin.part"]
    assert data.download(home.address(), tmp_path / "set.bin").read_bytes() == CONTENT
    assert home.asked[1:] == ["bytes=100000-"]
    assert left_in(tmp_path) == ["set.bin"]


@pytest.mark.parametrize("sized", [True, False])
def test_a_server_that_always_sends_all(home: Home, tmp_path: Path, sized: bool) -> None:
    home.ranges, home.sized = False, sized
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    target = data.download(home.address(), tmp_path / "set.bin", digest=DIGEST)
    assert target.read_bytes() == CONTENT
    assert home.asked == ["bytes=1000-"]


def test_a_server_that_sends_pieces(home: Home, tmp_path: Path) -> None:
    home.sized, home.chunked, home.cuts = False, True, [100_000, 200_000]
    target = data.download(home.address(), tmp_path / "set.bin", digest=DIGEST)
    assert target.read_bytes() == CONTENT
    assert len(home.asked) == 3


def test_a_part_that_is_the_whole(home: Home, tmp_path: Path) -> None:
    (tmp_path / "set.bin.part").write_bytes(CONTENT)
    assert data.download(home.address(), tmp_path / "set.bin").read_bytes() == CONTENT


def test_a_part_of_something_longer_is_dropped(home: Home, tmp_path: Path) -> None:
    (tmp_path / "set.bin.part").write_bytes(CONTENT + b"more")
    assert data.download(home.address(), tmp_path / "set.bin").read_bytes() == CONTENT
    assert home.asked == ["bytes=300004-", None]


def test_a_server_that_sends_another_part(home: Home, tmp_path: Path) -> None:
    home.shift = 1
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    assert data.download(home.address(), tmp_path / "set.bin").read_bytes() == CONTENT
    assert home.asked == ["bytes=1000-", None]


def test_a_busy_server_is_asked_again(home: Home, tmp_path: Path) -> None:
    home.statuses = [503, 429]
    assert data.download(home.address(), tmp_path / "set.bin").read_bytes() == CONTENT
    assert len(home.asked) == 3


def test_it_waits_longer_each_time(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(module, "PAUSE", 0.5)
    monkeypatch.setattr(module.time, "sleep", lambda s: waits.append(s) if s else None)
    home.statuses = [503] * 4
    data.download(home.address(), tmp_path / "set.bin")
    assert waits == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("change", "message", "asked"),
    [
        ({"files": {}}, r"could not be fetched: the server answered 404 Not Found\. Try", 1),
        ({"statuses": [403]}, r"the server answered 403 Forbidden\. Try", 1),
        ({"statuses": [503] * 9}, r"answered 503 Service Unavailable \(3 attempts\)\. Try", 3),
        ({"cuts": [0] * 9}, r"the line broke after 0 of 300000 bytes \(3 attempts\)", 3),
    ],
)
def test_what_cannot_be_had(
    home: Home, tmp_path: Path, change: dict[str, Any], message: str, asked: int
) -> None:
    vars(home).update(change)
    target = tmp_path / "set.bin"
    with pytest.raises(DownloadError, match=message) as caught:
        data.download(home.address(), target, attempts=3)
    assert str(caught.value).startswith(f"[download] {home.address()} could not be fetched: ")
    assert str(caught.value).endswith(f"or fetch it by hand and put it at {target}.")
    assert len(home.asked) == asked
    assert not target.exists()


def test_a_server_that_is_silent(home: Home, tmp_path: Path) -> None:
    home.delay = 0.5
    with pytest.raises(DownloadError, match="timed out"):
        data.download(home.address(), tmp_path / "set.bin", timeout=0.05, attempts=2)


def test_nobody_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Home() as server:
        address = server.address()
    with pytest.raises(DownloadError, match=r"refused\. Try again later"):
        data.download(address, tmp_path / "set.bin", attempts=1)


def test_a_wrong_digest_leaves_nothing(home: Home, tmp_path: Path) -> None:
    message = f"is not what was published: its md5 is .*, not {OTHER[4:]}"
    with pytest.raises(DownloadError, match=message):
        data.download(home.address(), tmp_path / "set.bin", digest=OTHER)
    assert left_in(tmp_path) == []


def test_a_file_that_is_there_is_checked_and_kept(home: Home, tmp_path: Path) -> None:
    target = tmp_path / "set.bin"
    target.write_bytes(b"mine")
    with pytest.raises(DownloadError, match=r"Delete what is there\. Try again"):
        data.download(home.address(), target, digest=DIGEST)
    assert target.read_bytes() == b"mine"
    assert home.asked == []


def test_a_check_of_ones_own(home: Home, tmp_path: Path) -> None:
    def check(path: Path) -> None:
        raise FileFormatError("check", f"{path.stat().st_size} bytes", "Do not.")

    with pytest.raises(FileFormatError, match="300000 bytes"):
        data.download(home.address(), tmp_path / "set.bin", check=check)
    assert left_in(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked there")
def test_two_ask_and_one_fetches(home: Home, tmp_path: Path) -> None:
    home.delay = 0.1
    threads = [
        threading.Thread(target=data.download, args=(home.address(), tmp_path / "set.bin"))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "set.bin").read_bytes() == CONTENT
    assert len(home.asked) == 1


def test_a_bar_is_shown_to_a_person_alone(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def __init__(self, person: bool) -> None:
            super().__init__()
            self.person = person

        def isatty(self) -> bool:
            return self.person

    for person in (False, True):
        terminal = Terminal(person)
        monkeypatch.setattr(sys, "stderr", terminal)
        data.download(home.address(), tmp_path / f"{person}.bin")
        assert ("True.bin: 100%" in terminal.getvalue()) == person


def test_it_is_not_led_astray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer(io.BytesIO):
        url, status = "http://elsewhere/set.bin", 200

    monkeypatch.setattr(module, "urlopen", lambda *args, **kwargs: Answer(CONTENT))
    with pytest.raises(DownloadError, match=r"leads to http://elsewhere/set\.bin, which is"):
        data.download("https://set.invalid/set.bin", tmp_path / "set.bin", attempts=1)
    assert left_in(tmp_path) == []


def test_a_forged_certificate_is_not_tried_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def refuse(*args: Any, **kwargs: Any) -> None:
        calls.append(args)
        raise URLError(SSLCertVerificationError("certificate verify failed"))

    monkeypatch.setattr(module, "urlopen", refuse)
    with pytest.raises(DownloadError, match="certificate verify failed"):
        data.download("https://set.invalid/set.bin", tmp_path / "set.bin")
    assert len(calls) == 1


def test_mistakes(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"url='file:///etc/passwd' is no address"):
        data.download("file:///etc/passwd", tmp_path / "set.bin")
    with pytest.raises(ArgumentError, match=r"digest='123' has no kind"):
        data.download(home.address(), tmp_path / "set.bin", digest="123")
    with pytest.raises(RangeError, match="attempts=0 fetches nothing"):
        data.download(home.address(), tmp_path / "set.bin", attempts=0)
    assert home.asked == []
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"cannot be written: .* a folder that you may write"):
        data.download(home.address(), tmp_path / "file" / "set.bin")


def test_the_cache_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for unset in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert data.cache_folder("X") == tmp_path / ".cache" / "tinygrad_lesson" / "X"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert data.cache_folder("X") == tmp_path / "c" / "tinygrad_lesson" / "X"


# ---- unpacking ---------------------------------------------------------------------------


def packed(path: Path, members: dict[str, bytes]) -> Path:
    """An archive, of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    with tarfile.open(path, "w:gz") as tape:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tape.addfile(info, io.BytesIO(content))
    return path


both = pytest.mark.parametrize("kind", ["set.zip", "set.tar.gz"])


@both
def test_only_what_is_wanted_is_unpacked(tmp_path: Path, kind: str) -> None:
    members = {"set-1/README": b"no", "set-1/wav/b.wav": b"2", "set-1/wav/a.wav": b"1"}
    archive = packed(tmp_path / kind, members)
    files = data.unpack(archive, tmp_path / "deep" / "out", "*/wav/*.wav")
    assert [(f.name, f.read_bytes()) for f in files] == [("a.wav", b"1"), ("b.wav", b"2")]
    assert left_in(tmp_path / "deep") == ["out"]
    with pytest.raises(FileExistsError, match="there is something in"):
        data.unpack(archive, tmp_path / "deep" / "out", "*.wav")


@both
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ok.wav": b"1", "../evil.wav": b"2"}, r"would leave its folder: '\.\./evil\.wav'"),
        ({"a/../../evil.wav": b"2"}, "would leave its folder"),
        ({"/evil.wav": b"2"}, "would leave its folder"),
        ({"..\\evil.wav": b"2"}, "would leave its folder"),
        ({"C:\\evil.wav": b"2"}, "would leave its folder"),
        ({"a/x.wav": b"1", "b/x.wav": b"2"}, r"has x\.wav twice"),
        ({"x.wav": bytes(2000)}, "unpacks to more than 1000 bytes"),
        ({"x.txt": b"1"}, r"has nothing in it like \*\.wav"),
    ],
)
def test_an_archive_that_is_refused(
    tmp_path: Path, kind: str, members: dict[str, bytes], message: str
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(FileFormatError, match=message):
        data.unpack(packed(inner / kind, members), inner / "out", "*.wav", limit=1000)
    assert left_in(inner) == [kind]
    assert left_in(tmp_path) == ["inner"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_left_out(tmp_path: Path, kind: bytes) -> None:
    path = packed(tmp_path / "set.tar", {"a.wav": b"1"})
    with tarfile.open(path, "w") as tape:
        link = tarfile.TarInfo("b.wav")
        link.type, link.linkname = kind, "/etc/passwd"
        tape.addfile(link)
        info = tarfile.TarInfo("a.wav")
        info.size = 1
        tape.addfile(info, io.BytesIO(b"1"))
    assert [f.name for f in data.unpack(path, tmp_path / "out", "*.wav")] == ["a.wav"]


@both
def test_a_damaged_archive(tmp_path: Path, kind: str) -> None:
    noise = bytes(np.random.default_rng(0).integers(0, 256, 5000, np.uint8))
    archive = packed(tmp_path / kind, {"a.wav": noise})
    whole = bytearray(archive.read_bytes())
    whole[2000] ^= 255
    for content in (bytes(whole), bytes(whole[:3000]), b"<html>not found</html>", b""):
        archive.write_bytes(content)
        with pytest.raises(FileFormatError, match="does not unpack"):
            data.unpack(archive, tmp_path / "out", "*.wav")
        assert left_in(tmp_path) == [kind]
