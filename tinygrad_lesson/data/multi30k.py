"""Multi30K: the same sentences in several languages."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ..errors import ArgumentError, FileFormatError
from .datasets import check_index
from .files import cache_folder, find
from .text import read_lines, read_parallel


class Multi30k:
    """Captions in German and English: 29,000 to train, 1,014 to validate, 1,000 to test.

    A sample is a tuple of sentences, one in each of `languages`, as they were written: neither cut
    into words nor in lower case. A loader gives a list of sentences for each language.

    Source: D. Elliott, S. Frank, K. Sima'an, L. Specia, "Multi30K: Multilingual English-German
    Image Descriptions", 2016, https://github.com/multi30k/dataset. Licence: for research; the
    captions are Flickr30k's and its translators'. No digest is published: a file that was fetched
    is checked by the sum that gzip keeps in it, and its lines are counted. (No test of this library
    has used that address.)

    Parameters
    ----------
    root
        The folder of the files, such as ``train.de``, with ``.gz`` or without; this set's folder in
        the user's cache unless given.
    part
        ``"train"``, ``"val"`` or ``"test_2016_flickr"``; also ``"test_2017_flickr"`` and
        ``"test_2017_mscoco"``, with other pictures.
    download
        Fetch the files that are not there.
    languages
        The ends of the files' names, in the order of a sample: ``"de"``, ``"en"``, ``"fr"``.
    """

    home: ClassVar[str] = (
        "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
    )
    sizes: ClassVar[Mapping[str, int]] = {
        "train": 29000,
        "val": 1014,
        "test_2016_flickr": 1000,
        "test_2017_flickr": 1000,
        "test_2017_mscoco": 461,
    }
    """How many lines the files have that are published."""

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        part: str = "train",
        download: bool = False,
        *,
        languages: Sequence[str] = ("de", "en"),
    ) -> None:
        if part not in self.sizes:
            raise ArgumentError("Multi30k", f"part={part!r}", f"Pass one of {list(self.sizes)}.")
        folder = cache_folder("Multi30k") if root is None else Path(root)
        self.part, self.languages = part, tuple(languages)

        def found(language: str) -> Path:
            name = f"{part}.{language}.gz"
            return find(
                "Multi30k", folder, name, self.home + name, download=download, check=self._check
            )

        self.sentences = read_parallel(*map(found, self.languages))

    def _check(self, path: Path) -> None:
        lines, expected = len(read_lines(path)), self.sizes[self.part]
        if lines != expected:
            raise FileFormatError(
                "Multi30k", f"{path.name} has {lines} lines, not {expected}", "Try again later."
            )

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitem__(self, index: int) -> tuple[str, ...]:
        check_index(self, index)
        return self.sentences[index]

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self.sentences)

    def __repr__(self) -> str:
        return f"Multi30k({len(self)} sentences, {self.part}, {'-'.join(self.languages)})"
