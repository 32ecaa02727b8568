"""Text: whole, or line by line, and characters as numbers."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import FileFormatError, RangeError
from ..tensor import Tensor
from .files import opened


def read_text(path: str | os.PathLike[str]) -> str:
    """The text in a file, in UTF-8, plain or packed by gzip; ends of lines are kept."""
    source = Path(path)
    with opened("read_text", source) as file:
        content = file.read()
    try:
        return content.decode("utf-8-sig")  # without the mark that some editors put in front
    except UnicodeDecodeError as error:
        raise FileFormatError(
            "read_text",
            f"{source} is no text in UTF-8: byte {error.start} is {content[error.start]:#04x}",
            "Convert it, for example with iconv -f latin1 -t utf-8.",
        ) from error


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    r"""The lines of a text file, without their ends, which are ``\n`` or ``\r\n`` and nothing else.

    (``str.splitlines`` also cuts at rarer characters, and lines of two languages would no longer
    lie side by side.)
    """
    lines = read_text(path).split("\n")
    if not lines[-1]:
        lines.pop()  # what ended was the last line
    return [line.removesuffix("\r") for line in lines]


def read_parallel(*paths: str | os.PathLike[str]) -> list[tuple[str, ...]]:
    """Lines of several files side by side: the same text in several languages.

    Raises
    ------
    FileFormatError
        If one has more lines than another.
    """
    columns = [read_lines(path) for path in paths]
    if len({len(column) for column in columns}) > 1:
        counts = ", ".join(f"{path} {len(c)}" for path, c in zip(paths, columns, strict=True))
        raise FileFormatError(
            "read_parallel", f"the files have different numbers of lines: {counts}",
            "Use files that belong together; one of them may be cut off.",
        )  # fmt: skip
    return list(zip(*columns, strict=True))


class Characters:
    """Numbers for characters, from 0, in the order of Unicode.

    Parameters
    ----------
    text
        Has each character that there will be, once or more.

    Examples
    --------
    >>> from tinygrad_lesson.data import Characters
    >>> letters = Characters("banana")
    >>> letters, letters.encode("nab").tolist(), letters.decode([1, 0, 2])
    (Characters('abn'), [2, 0, 1], 'ban')
    """

    def __init__(self, text: Iterable[str]) -> None:
        self.characters = "".join(sorted(set("".join(text))))
        self._points = _points(self.characters)

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Array:
        """The numbers of a text's characters, int64."""
        points = _points(text)
        numbers: Array = np.searchsorted(self._points, points)
        known: Array = numbers < len(self)
        known[known] = self._points[numbers[known]] == points[known]
        if not known.all():
            raise RangeError(
                "Characters.encode",
                f"{text[int(np.argmin(known))]!r} is not one of the {len(self)} characters",
                "Make them from a text that has it.",
            )
        return numbers.astype(np.int64)

    def decode(self, numbers: Any) -> str:
        """The text of these numbers, which are integers in an array, a tensor or a list."""
        rows = np.asarray(numbers.raw if isinstance(numbers, Tensor) else numbers)
        if not rows.size:
            return ""
        if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(self):
            raise RangeError(
                "Characters.decode",
                f"not all of these are numbers of the {len(self)} characters",
                f"Pass integers from 0 to {len(self) - 1}.",
            )
        return "".join(self.characters[i] for i in rows.ravel())

    def __repr__(self) -> str:
        return f"Characters({self.characters!r})"


def _points(text: str) -> Array:
    """The Unicode numbers of characters."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint32)
