"""Text as pieces of equal length, to learn which character comes next."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..arguments import count
from ..errors import RangeError
from ..tensor import Tensor
from .datasets import check_index
from .files import cache_folder, find
from .text import Characters, read_text


class TextFile:
    """Pieces of a text file, in UTF-8, plain or packed by gzip.

    A sample is `length` characters as numbers, int64 of shape (length,), and the same moved on by
    one: at each place, the character that comes next.

    Parameters
    ----------
    path
        The file.
    train
        Take the first part of the text, to train, rather than the rest, to test.
    length
        Characters in a piece.
    stride
        From the start of one piece to that of the next; `length` unless given, so that each
        character is in one. With 1, a piece starts at every character.
    share
        How much of the text is the first part.
    vocabulary
        The characters' numbers; of those in the whole text unless given, so that they are the same
        in both parts.

    Attributes
    ----------
    text
        The part that was taken.
    vocabulary
        Encodes and decodes; see :class:`Characters`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        train: bool = True,
        *,
        length: int = 128,
        stride: int | None = None,
        share: float = 0.9,
        vocabulary: Characters | None = None,
    ) -> None:
        name = type(self).__name__
        text = read_text(path)
        if not 0 <= share <= 1:
            raise RangeError(name, f"share={share}", "Pass a number from 0 to 1.")
        cut = int(len(text) * share)
        self.text = text[:cut] if train else text[cut:]
        self.length = count(name, "length", length)
        self.stride = self.length if stride is None else count(name, "stride", stride)
        if not self.length or not self.stride:
            raise RangeError(name, f"length={length}, stride={stride}", "Pass 1 or more.")
        if len(self.text) <= self.length:
            raise RangeError(
                name,
                f"{path} has {len(self.text)} characters in this part: not one piece of {length}",
                "Pass a smaller length or another share.",
            )
        self.vocabulary = Characters(text) if vocabulary is None else vocabulary
        self._numbers = self.vocabulary.encode(self.text)

    def __len__(self) -> int:
        return (len(self.text) - 1 - self.length) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        check_index(self, index)
        pieces, following = self.batch([index % len(self)])
        return Tensor.lift(pieces.raw[0]), Tensor.lift(following.raw[0])

    def batch(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Many pieces at once."""
        places = np.asarray(indices)[:, np.newaxis] * self.stride + np.arange(self.length)
        return Tensor.lift(self._numbers[places]), Tensor.lift(self._numbers[places + 1])

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({len(self)} pieces of {self.length}, {len(self.vocabulary)}"
            " different characters)"
        )


class TinyShakespeare(TextFile):
    """Plays by Shakespeare, 1,115,394 characters: 90% to train, the rest to test.

    Samples are those of :class:`TextFile`.

    Source: as gathered by A. Karpathy for https://github.com/karpathy/char-rnn, checked against the
    SHA-256 digest that TensorFlow Datasets lists. Licence: the plays are in the public domain. (No
    test of this library has used that address.)

    Parameters
    ----------
    root
        The folder of ``input.txt``; this set's folder in the user's cache unless given.
    train
        Take the first part rather than the rest.
    download
        Fetch the file if it is not there.
    length
        Characters in a piece.
    stride
        From the start of one piece to that of the next; `length` unless given.
    """

    home: ClassVar[str] = (
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
    )
    digest: ClassVar[str] = (
        "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
    )

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        train: bool = True,
        download: bool = False,
        *,
        length: int = 128,
        stride: int | None = None,
    ) -> None:
        folder = cache_folder("TinyShakespeare") if root is None else Path(root)
        path = find(
            "TinyShakespeare", folder, "input.txt", self.home, download=download, digest=self.digest
        )
        super().__init__(path, train, length=length, stride=stride)
