"""The Free Spoken Digit Dataset."""

from __future__ import annotations

import os
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..arguments import count
from ..arrays import Array
from ..tensor import Tensor
from .archives import check_zip, readable, unpack
from .datasets import check_index
from .download import download as fetch
from .files import cache_folder, damaged
from .wav import read_wav

_NAME = re.compile(r"([0-9])_([A-Za-z]+)_([0-9]+)\.wav")
_TESTED = range(5)
_File = Path | zipfile.Path


class SpeechDigits:
    """Spoken English digits: 6 people, 50 recordings of each digit by each of them.

    A sample is a recording, float32 in [-1, 1] of shape (samples,), 8,000 a second and 0.14 to 2.3
    seconds long, and the digit, int64 of shape (). Recordings 0 to 4 of each digit and person
    are the test set (300), the rest is the training set (2,700), as its authors say.
    All are read at once. `labels`, `speakers` and `files` say what each sample is.

    Source: Z. Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset, version
    1.0.10. Licence: CC BY-SA 4.0. No digest is published: the archive is checked by the sums in it,
    and each recording by its header and length. (No test of this library has used that address.)

    Parameters
    ----------
    root
        The folder of the recordings, ``{digit}_{speaker}_{index}.wav``, or the one with a folder
        ``recordings`` in it; or a zip of them, which is read without unpacking it, or a folder with
        one zip and no recordings. This set's folder in the user's cache unless given.
    train
        Take the training set rather than the test set.
    download
        Fetch and unpack the recordings if there are none; the archive is kept beside them, and is
        not fetched if it is there.
    length
        Cut, or filled up with silence at the end, so that all recordings have so many samples and
        can be batched. Without it, each keeps its own length.
    """

    home: ClassVar[str] = (
        "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"
    )
    rate: ClassVar[int] = 8000
    """Samples per second."""

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        download: bool = False,
        *,
        length: int | None = None,
    ) -> None:
        folder = cache_folder("SpeechDigits") if root is None else Path(root)
        chosen = [
            (file, digit, speaker)
            for file, digit, speaker, index in self._found(folder, download)
            if (index in _TESTED) != train
        ]
        self.files = [Path(str(file)) for file, _, _ in chosen]
        self.speakers = [speaker for _, _, speaker in chosen]
        self.labels = np.array([digit for _, digit, _ in chosen], np.int64)
        self.length = None if length is None else count("SpeechDigits", "length", length)
        self.recordings = [_fitted(self._read(file), self.length) for file, _, _ in chosen]

    def _found(self, folder: Path, download: bool) -> list[tuple[_File, int, str, int]]:
        """The recordings with their digits, speakers and numbers, in the order of their names."""
        inner = folder / "recordings"
        if download and not _named(folder) + _named(inner):
            archive = fetch(self.home, folder / "v1.0.10.zip", check=check_zip)
            with suppress(FileExistsError):  # another process was quicker
                unpack(archive, inner, "*recordings/*.wav")
        place = inner if inner.is_dir() else folder
        archives = list(place.glob("*.zip"))
        found = _named(place) or (_named(archives[0]) if len(archives) == 1 else [])
        if not found:
            raise FileNotFoundError(
                f"[SpeechDigits] there are no recordings such as 7_jackson_32.wav in {place}. Pass"
                f" download=True, or fetch {self.home} by hand and unpack its recordings there."
            )
        return sorted(found, key=lambda row: row[1:])

    def _read(self, file: _File) -> Array:
        samples, rate = read_wav(file)
        if len(samples) != 1 or rate != self.rate:
            what = f"has {len(samples)} channels and {rate} samples a second, not 1 and {self.rate}"
            raise damaged("SpeechDigits", file, what)
        return samples[0]

    def __len__(self) -> int:
        return len(self.recordings)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        check_index(self, index)
        return Tensor(self.recordings[index]), Tensor(self.labels[index])

    def __repr__(self) -> str:
        return f"SpeechDigits({len(self)} recordings by {len(set(self.speakers))} speakers)"


def _named(place: Path) -> list[tuple[_File, int, str, int]]:
    """The recordings in a folder or a zip, with what their names say."""
    matches = [(file, _NAME.fullmatch(file.name)) for file in _listed(place)]
    return [(file, int(m[1]), m[2], int(m[3])) for file, m in matches if m is not None]


def _listed(place: Path) -> list[_File]:
    if place.is_file():
        with readable(place), zipfile.ZipFile(place) as packed:
            root = zipfile.Path(place)
            return [root / name for name in packed.namelist()]
    return list(place.iterdir()) if place.is_dir() else []


def _fitted(samples: Array, length: int | None) -> Array:
    if length is None:
        return samples
    fitted: Any = np.zeros(length, np.float32)
    fitted[: len(samples)] = samples[:length]
    return fitted
