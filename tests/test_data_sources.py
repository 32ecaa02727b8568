"""The formats of files, and the sets that are read from them; all made here, and tiny."""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import struct
import sys
import wave
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_lesson import Tensor, data
from tinygrad_lesson.errors import (
    ArgumentError,
    DownloadError,
    FileFormatError,
    IndexingError,
    RangeError,
)

from .test_download import Home, home, left_in

__all__ = ["home"]  # the fixture

packing = pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])


# ---- IDX ---------------------------------------------------------------------------------

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx(array: Any) -> bytes:
    """An array in the IDX format."""
    code = CODES[f"{array.dtype.kind}{array.itemsize}"]
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


ARRAYS = st.sampled_from(list(CODES)).flatmap(
    lambda code: hnp.arrays(code, hnp.array_shapes(max_dims=4, min_side=0, max_side=4))
)


@given(ARRAYS, st.booleans())
def test_idx_comes_back(array: Any, pack: bool) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "array")
        path.write_bytes(gzip.compress(idx(array)) if pack else idx(array))
        found = data.read_idx(path)
        assert found.dtype == array.dtype
        assert found.dtype.isnative
        assert not found.flags.writeable
        np.testing.assert_array_equal(found, array)


def test_plain_bytes_stay_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "array"
    path.write_bytes(idx(np.arange(6, dtype=np.uint8).reshape(2, 3)))
    assert isinstance(data.read_idx(path), np.memmap)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert not isinstance(data.read_idx(path), np.memmap)


@packing
def test_an_idx_file_that_is_cut_off(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path, whole = tmp_path / "array", idx(np.arange(6, dtype=np.int16).reshape(2, 3))
    for size in range(len(whole)):
        path.write_bytes(pack(whole[:size]))
        with pytest.raises(FileFormatError, match=r"array is (no IDX file|cut off)"):
            data.read_idx(path)
    path.write_bytes(pack(whole + b"x"))
    with pytest.raises(FileFormatError, match=r"goes on after for the shape|goes on"):
        data.read_idx(path)


def test_an_idx_file_that_promises_more_than_memory_holds(tmp_path: Path) -> None:
    path = tmp_path / "array"
    for n in (2**16, 2**32 - 1):
        path.write_bytes(gzip.compress(struct.pack(">HBB3I", 0, 8, 3, n, n, n)))
        with pytest.raises(FileFormatError, match="is cut off: 0 of"):
            data.read_idx(path)


def test_a_gzip_file_that_is_cut_off_or_damaged(tmp_path: Path) -> None:
    path, whole = tmp_path / "array", gzip.compress(idx(np.arange(100, dtype=np.uint8)))
    for size in range(2, len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(FileFormatError, match="does not unpack"):
            data.read_idx(path)
    path.write_bytes(whole[:-8] + b"\1\2\3\4" + whole[-4:])
    with pytest.raises(FileFormatError, match="does not unpack: CRC check failed"):
        data.read_idx(path)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\0\0\x08\0", b"\0\0\x07\1\0\0\0\0", b"\1\0\x08\1\0\0\0\0"]
)
def test_what_is_no_idx_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "array"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"is no IDX file: it begins with b.*\. Fetch it ag"):
        data.read_idx(path)


# ---- WAV ---------------------------------------------------------------------------------


def wav(integers: Any, width: int, rate: int = 8000) -> bytes:
    """Integers of shape (channels, samples) in the WAV format."""
    channels, _ = integers.shape
    offset = 128 if width == 1 else 0
    content = b"".join(
        int(n + offset).to_bytes(width, "little", signed=width > 1) for n in integers.T.ravel()
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(width)
        sound.setframerate(rate)
        sound.writeframes(content)
    return file.getvalue()


@st.composite
def sounds(draw: st.DrawFn) -> tuple[Any, int]:
    width = draw(st.integers(1, 4))
    shape = draw(st.tuples(st.integers(1, 3), st.integers(0, 6)))
    top = 2 ** (8 * width - 1)
    return draw(hnp.arrays(np.int64, shape, elements=st.integers(-top, top - 1))), width


@given(sounds(), st.sampled_from([8000, 44100]))
def test_sound_comes_back(sound: tuple[Any, int], rate: int) -> None:
    integers, width = sound
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.wav")
        path.write_bytes(wav(integers, width, rate))
        samples, found_rate = data.read_wav(path)
    assert found_rate == rate
    assert samples.dtype == np.float32
    expected = integers / 2 ** (8 * width - 1)
    np.testing.assert_array_equal(samples, expected.astype(np.float32))
    assert (np.abs(samples) <= 1).all()


def test_a_sound_that_is_cut_off(tmp_path: Path) -> None:
    path, whole = tmp_path / "a.wav", wav(np.arange(10).reshape(1, 10), 2)
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(FileFormatError, match=r"a\.wav is (no WAV|cut off)"):
            data.read_wav(path)


@given(st.data())
def test_a_damaged_sound_is_refused_or_read(drawn: st.DataObject) -> None:
    """Never another exception, and never something else than samples."""
    content = bytearray(wav(np.arange(-4, 4).reshape(2, 4), 2))
    for _ in range(drawn.draw(st.integers(1, 3))):
        content[drawn.draw(st.integers(0, 44))] = drawn.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.wav")
        path.write_bytes(content)
        try:
            samples, _ = data.read_wav(path)
        except FileFormatError:
            return
    assert samples.ndim == 2
    assert (np.abs(samples) <= 1).all()


# ---- text --------------------------------------------------------------------------------


@packing
def test_lines_end_where_files_say(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "a.txt"
    for text, lines in {
        "": [],
        "\n": [""],
        "a\nb\n": ["a", "b"],
        "a\r\nb": ["a", "b"],
        "Käse\n\n\u2028x\x0by\n": ["Käse", "", "\u2028x\x0by"],
        "\ufeffa\n": ["a"],
    }.items():
        path.write_bytes(pack(text.encode()))
        assert data.read_lines(path) == lines
    assert data.read_text(path) == "a\n"


def test_text_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Käse".encode("latin1"))
    with pytest.raises(FileFormatError, match=r"is no text in UTF-8: byte 1 is 0xe4\. Convert it"):
        data.read_text(path)
    path.write_bytes(gzip.compress(b"text" * 99)[:-9])
    with pytest.raises(FileFormatError, match="does not unpack"):
        data.read_text(path)


@given(st.text(st.characters(), min_size=1))
def test_characters_come_back(text: str) -> None:
    letters = data.Characters(text)
    numbers = letters.encode(text)
    assert numbers.dtype == np.int64
    assert list(letters.characters) == sorted(set(text))
    assert [letters.characters[i] for i in numbers] == list(text)
    assert letters.decode(numbers) == letters.decode(Tensor(numbers)) == text


def test_characters_that_are_not_there() -> None:
    letters = data.Characters(["emma", "ava"])
    assert letters.characters == "aemv"
    assert letters.decode([]) == ""
    assert letters.encode("").tolist() == []
    for text in ("a b", "bz", "zb", "émé"):
        first = next(c for c in text if c not in "aemv")
        with pytest.raises(RangeError, match=f"{first!r} is not one of the 4 characters"):
            letters.encode(text)
    for numbers in ([4], [-1], [0.5]):
        with pytest.raises(RangeError, match="Pass integers from 0 to 3"):
            letters.decode(numbers)


# ---- MNIST -------------------------------------------------------------------------------


def pictures(n: int) -> Any:
    return np.random.default_rng(n).integers(0, 256, (n, 28, 28), np.uint8)


def digits(n: int) -> Any:
    return np.arange(n, dtype=np.uint8) % 10


def put_mnist(folder: Path, pack: Callable[[bytes], bytes] = bytes) -> None:
    ending = ".gz" if pack is gzip.compress else ""
    for part, n in {"train": 12, "t10k": 5}.items():
        (folder / f"{part}-images-idx3-ubyte{ending}").write_bytes(pack(idx(pictures(n))))
        (folder / f"{part}-labels-idx1-ubyte{ending}").write_bytes(pack(idx(digits(n))))


@packing
@pytest.mark.parametrize("kind", [data.MNIST, data.FashionMNIST])
def test_mnist(tmp_path: Path, kind: type[data.MNIST], pack: Callable[[bytes], bytes]) -> None:
    put_mnist(tmp_path, pack)
    train, test = kind(tmp_path), kind(tmp_path, train=False)
    assert (len(train), len(test)) == (12, 5)
    assert isinstance(train, data.Dataset)
    picture, label = train[-1]
    assert (picture.shape, picture.dtype, label.shape, label.dtype) == (
        (1, 28, 28), np.float32, (), np.int64,
    )  # fmt: skip
    np.testing.assert_array_equal(picture.raw[0], pictures(12)[-1].astype(np.float32) / 255)
    assert int(label) == 1
    batches = list(data.DataLoader(train, 8))
    assert [x.shape for x, _ in batches] == [(8, 1, 28, 28), (4, 1, 28, 28)]
    np.testing.assert_array_equal(batches[1][0].raw[3], picture.raw)
    assert [n for _, y in batches for n in y.tolist()] == [*range(10), 0, 1]
    assert isinstance(train.images, np.memmap) == (pack is bytes)
    assert len(set(kind.classes)) == 10
    assert all(digest.startswith("md5:") for digest in kind.digests.values())


def test_mnist_transformed(tmp_path: Path) -> None:
    put_mnist(tmp_path)
    dataset = data.MNIST(tmp_path, transform=lambda x, y: (x.reshape((784,)), y))
    x, _ = next(iter(data.DataLoader(dataset, 4)))
    assert x.shape == (4, 784)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("images-idx3", idx(digits(12)), "holds uint8 of shape .12,., and no pictures"),
        ("images-idx3", idx(pictures(12).astype(np.float32)), "holds float32 of shape"),
        ("labels-idx1", idx(digits(11)), "holds uint8 of shape .11,., and no labels for 12 pict"),
        ("labels-idx1", idx(digits(12).astype(np.float32)), "holds float32"),
        ("labels-idx1", idx(digits(12) + np.uint8(1)), "has the label 10"),
        ("labels-idx1", idx(digits(12))[:-1], "is cut off: 11 of 12 bytes"),
    ],
)
def test_mnist_of_wrong_files(tmp_path: Path, file: str, content: bytes, message: str) -> None:
    put_mnist(tmp_path)
    (tmp_path / f"train-{file}-ubyte").write_bytes(content)
    with pytest.raises(FileFormatError, match=f"train-{file}-ubyte {message}"):
        data.MNIST(tmp_path)


def test_mnist_fetched(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"Pass download=True, or fetch http.* by hand"):
        data.MNIST()
    put_mnist(tmp_path, gzip.compress)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    home.files = {f"/{name}": content for name, content in files.items()}
    monkeypatch.setattr(data.MNIST, "home", home.address("/"))
    with pytest.raises(DownloadError, match="is not what was published: its md5"):
        data.MNIST(download=True)
    folder = tmp_path / "tinygrad_lesson" / "MNIST"
    assert left_in(folder) == []
    sums = {name: f"md5:{hashlib.md5(content).hexdigest()}" for name, content in files.items()}
    monkeypatch.setattr(data.MNIST, "digests", sums)
    for _ in range(2):
        assert len(data.MNIST(train=False, download=True)) == 5
    assert left_in(folder) == ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    assert len(home.asked) == 3


# ---- spoken digits -----------------------------------------------------------------------


def recordings() -> dict[str, bytes]:
    """Two digits by two people, with numbers on either side of the split."""
    names = itertools.product((0, 7), ("ann", "bob"), (0, 4, 5, 12))
    return {
        f"{d}_{who}_{i}.wav": wav(np.full((1, 10 + i), 256 * (d + 1)), 2) for d, who, i in names
    }


def put_recordings(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in recordings().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("inner", ["", "recordings"])
def test_speech_digits(tmp_path: Path, inner: str) -> None:
    (put_recordings(tmp_path / inner) / "notes.txt").touch()
    train, test = data.SpeechDigits(tmp_path), data.SpeechDigits(tmp_path, train=False)
    assert [f.name for f in test.files] == [
        "0_ann_0.wav", "0_ann_4.wav", "0_bob_0.wav", "0_bob_4.wav",
        "7_ann_0.wav", "7_ann_4.wav", "7_bob_0.wav", "7_bob_4.wav",
    ]  # fmt: skip
    assert {f.stem.rsplit("_")[-1] for f in train.files} == {"5", "12"}
    assert train.speakers == ["ann", "ann", "bob", "bob"] * 2
    assert train.labels.tolist() == [0] * 4 + [7] * 4
    sound, digit = train[-1]
    assert (sound.shape, sound.dtype, digit.dtype, int(digit)) == ((22,), np.float32, np.int64, 7)
    assert set(sound.tolist()) == {0.0625}
    assert isinstance(train, data.Dataset)
    assert repr(train) == "SpeechDigits(8 recordings by 2 speakers)"


def test_speech_digits_in_a_zip(tmp_path: Path) -> None:
    folder = put_recordings(tmp_path / "folder")
    path = tmp_path / "zipped" / "any.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, f"set-1.0/recordings/{file.name}")
    expected = data.SpeechDigits(folder)
    for root in (path, path.parent):
        dataset = data.SpeechDigits(root)
        assert dataset.files[0] == path / "set-1.0" / "recordings" / "0_ann_5.wav"
        assert [f.name for f in dataset.files] == [f.name for f in expected.files]
        for (x, y), (sound, digit) in zip(dataset, expected, strict=True):
            assert x.tolist() == sound.tolist()
            assert int(y) == int(digit)
    content = path.read_bytes()
    where = content.index(b"RIFF") + 60  # a sample: the sum no longer fits
    path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])
    with pytest.raises(FileFormatError, match=r"any\.zip.*_[0-9]+\.wav is no WAV file.*CRC"):
        data.SpeechDigits(path), data.SpeechDigits(path, train=False)
    path.write_bytes(content[:-40])
    with pytest.raises(FileFormatError, match=r"any\.zip does not unpack"):
        data.SpeechDigits(path)


def test_speech_digits_of_one_length(tmp_path: Path) -> None:
    put_recordings(tmp_path)
    dataset = data.SpeechDigits(tmp_path, length=16)
    x, y = next(iter(data.DataLoader(dataset, 8)))
    assert (x.shape, y.shape) == ((8, 16), (8,))
    assert x.raw[0].tolist() == [0.0078125] * 15 + [0.0]  # of 5, with 15 samples
    assert x.raw[1].tolist() == [0.0078125] * 16  # of 12, with 22


def test_speech_digits_of_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no recordings such as 7_jackson_32\.wav in"):
        data.SpeechDigits(tmp_path)
    put_recordings(tmp_path)
    (tmp_path / "1_ann_9.wav").write_bytes(wav(np.zeros((2, 3), int), 2))
    with pytest.raises(FileFormatError, match=r"1_ann_9\.wav has 2 channels and 8000 samples"):
        data.SpeechDigits(tmp_path)
    assert len(data.SpeechDigits(tmp_path, train=False)) == 8


def test_speech_digits_fetched(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("set-1.0/README.md", "no")
        for name, content in recordings().items():
            archive.writestr(f"set-1.0/recordings/{name}", content)
    home.files = {"/set.zip": file.getvalue()}
    home.sized = home.ranges = False
    monkeypatch.setattr(data.SpeechDigits, "home", home.address("/set.zip"))
    for _ in range(2):
        assert len(data.SpeechDigits(tmp_path, download=True)) == 8
    assert left_in(tmp_path) == ["recordings", "v1.0.10.zip"]
    assert len(home.asked) == 1
    home.files = {"/set.zip": file.getvalue()[:-100]}
    with pytest.raises(FileFormatError, match="does not unpack"):
        data.SpeechDigits(tmp_path / "other", download=True)
    assert left_in(tmp_path / "other") == []


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not locked there")
def test_several_processes_want_speech_digits(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in recordings().items():
            archive.writestr(f"set-1.0/recordings/{name}", content)
    home.files, home.delay = {"/set.zip": file.getvalue()}, 0.1
    monkeypatch.setattr(data.SpeechDigits, "home", home.address("/set.zip"))
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(data.SpeechDigits, tmp_path, download=True) for _ in range(4)]
    assert [len(future.result()) for future in waiting] == [8] * 4
    assert len(home.asked) == 1
    assert left_in(tmp_path) == ["recordings", "v1.0.10.zip"]


# ---- Multi30K ----------------------------------------------------------------------------

GERMAN = "Ein Hund läuft.\nZwei Männer.\n"
ENGLISH = "A dog runs.\nTwo men.\n"


@packing
def test_multi30k(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    ending = ".gz" if pack is gzip.compress else ""
    for name, text in {"val.de": GERMAN, "val.en": ENGLISH}.items():
        (tmp_path / f"{name}{ending}").write_bytes(pack(text.encode()))
    dataset = data.Multi30k(tmp_path, "val")
    assert len(dataset) == 2
    assert dataset[0] == ("Ein Hund läuft.", "A dog runs.")
    assert next(iter(data.DataLoader(dataset, 2))) == (
        ["Ein Hund läuft.", "Zwei Männer."],
        ["A dog runs.", "Two men."],
    )
    assert data.Multi30k(tmp_path, "val", languages=("en",))[-1] == ("Two men.",)
    assert list(iter(dataset)) == [dataset[0], dataset[1]]
    assert isinstance(dataset, Iterable)
    assert repr(dataset) == "Multi30k(2 sentences, val, de-en)"
    with pytest.raises(FileNotFoundError, match=r"\[Multi30k\] there is no train\.de in"):
        data.Multi30k(tmp_path)
    with pytest.raises(ArgumentError, match=r"part='test'\. Pass one of \['train', 'val', 'test_"):
        data.Multi30k(tmp_path, "test")


def test_languages_of_different_lengths(tmp_path: Path) -> None:
    (tmp_path / "val.de").write_text("eins\nzwei\n")
    (tmp_path / "val.en").write_text("one\n")
    with pytest.raises(FileFormatError, match=r"lines: .*val\.de 2, .*val\.en 1\. Use files that"):
        data.Multi30k(tmp_path, "val")


def test_multi30k_fetched(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.files = {
        "/val.de.gz": gzip.compress(GERMAN.encode()),
        "/val.en.gz": gzip.compress(ENGLISH.encode()),
    }
    monkeypatch.setattr(data.Multi30k, "home", home.address("/"))
    with pytest.raises(FileFormatError, match="has 2 lines, not 1014"):
        data.Multi30k(tmp_path, "val", download=True)
    assert left_in(tmp_path) == []
    monkeypatch.setattr(data.Multi30k, "sizes", {"val": 2})
    assert len(data.Multi30k(tmp_path, "val", download=True)) == 2
    assert left_in(tmp_path) == ["val.de.gz", "val.en.gz"]


# ---- pieces of text ----------------------------------------------------------------------


def test_pieces_of_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abcdefghij" * 2)
    train, test = data.TextFile(path, length=4), data.TextFile(path, False, length=1)
    assert (train.text, test.text) == ("abcdefghijabcdefgh", "ij")
    assert train.vocabulary.characters == test.vocabulary.characters == "abcdefghij"
    pairs = [tuple(map(train.vocabulary.decode, train[i])) for i in range(len(train))]
    assert pairs == [("abcd", "bcde"), ("efgh", "fghi"), ("ijab", "jabc"), ("cdef", "defg")]
    x, y = next(iter(data.DataLoader(train, 3)))
    assert (x.shape, x.dtype, y.shape) == ((3, 4), np.int64, (3, 4))
    assert train.vocabulary.decode(y.raw[2]) == "jabc"
    assert [t.tolist() for t in test[0]] == [[8], [9]]
    assert train[-1][0].tolist() == train[3][0].tolist()
    assert repr(train) == "TextFile(4 pieces of 4, 10 different characters)"


@given(st.integers(2, 60), st.integers(1, 20), st.integers(1, 20))
def test_every_piece_is_whole(size: int, length: int, stride: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.txt")
        path.write_text("".join(chr(65 + i) for i in range(size)))
        if size <= length:
            with pytest.raises(RangeError, match=f"{size} characters in this part: not one piece"):
                data.TextFile(path, share=1.0, length=length, stride=stride)
            return
        dataset = data.TextFile(path, share=1.0, length=length, stride=stride)
    x, y = dataset.batch(range(len(dataset)))
    np.testing.assert_array_equal(y.raw, x.raw + 1)
    assert x.raw[:, 0].tolist() == list(range(0, size - length, stride))


def test_a_vocabulary_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("abab")
    dataset = data.TextFile(path, share=1.0, length=2, vocabulary=data.Characters("ba "))
    assert dataset[0][0].tolist() == [1, 2]
    for values, message in {
        (0, None, 0.9): "length=0",
        (2, 0, 0.9): "stride=0",
        (2, 1, 1.5): "share=1.5",
    }.items():
        length, stride, share = values
        with pytest.raises(RangeError, match=message):
            data.TextFile(path, length=length, stride=stride, share=share)


def test_tiny_shakespeare(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"To be, or not to be. " * 10
    home.files = {"/input.txt": content}
    monkeypatch.setattr(data.TinyShakespeare, "home", home.address("/input.txt"))
    with pytest.raises(DownloadError, match="is not what was published: its sha256"):
        data.TinyShakespeare(tmp_path, download=True)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    monkeypatch.setattr(data.TinyShakespeare, "digest", digest)
    train = data.TinyShakespeare(tmp_path, download=True, length=8)
    test = data.TinyShakespeare(tmp_path, train=False, length=8)
    assert train.text + test.text == content.decode()
    assert repr(train) == "TinyShakespeare(23 pieces of 8, 10 different characters)"


# ---- numbers of samples ------------------------------------------------------------------


def test_samples_that_are_not_there(tmp_path: Path) -> None:
    put_mnist(tmp_path)
    put_recordings(tmp_path)
    for name, text in {"val.de": GERMAN, "val.en": ENGLISH, "a.txt": GERMAN}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for dataset in (
        data.MNIST(tmp_path),
        data.SpeechDigits(tmp_path),
        data.Multi30k(tmp_path, "val"),
        data.TextFile(tmp_path / "a.txt", length=3),
    ):
        n, name = len(dataset), type(dataset).__name__
        for index in (n, -n - 1):
            with pytest.raises(IndexingError, match=rf"\[{name}\] there is no sample {index} of"):
                dataset[index]
