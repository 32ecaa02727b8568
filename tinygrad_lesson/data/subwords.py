"""Pieces of words as numbers: byte-pair encoding."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from ..arguments import count
from ..arrays import Array
from ..errors import ArgumentError, RangeError
from ..tensor import Tensor

_WORDS = re.compile(r"\s?\w+|\s?[^\w\s]+|\s+")
"""A word or a run of marks, with the space before it: side by side they are the whole text."""


class Subwords:
    """Numbers for words and pieces of words, of which a few thousand write any sentence.

    A frequent word is one piece, a rare one several, down to single characters: so that no word is
    unknown. A space belongs to the word behind it, and pieces in a row are the text again.

    Most often they are learnt from a text, by :meth:`learn`. The first four numbers are no text:
    `padding` 0, `unknown` 1 (for a character that was never seen), `start` 2 and `end` 3.

    Parameters
    ----------
    pieces
        Those of another vocabulary, to have the same again.

    Attributes
    ----------
    pieces
        The piece of each number: the four special ones, all characters, and then what was joined,
        in the order in which it was.

    Examples
    --------
    >>> from tinygrad_lesson.data import Subwords
    >>> words = Subwords.learn(["I walk, she walks, we talk, she talks"], size=24)
    >>> [words.pieces[i] for i in words.encode("I talk, he walks")]
    ['I', ' talk', ',', ' ', 'h', 'e', ' walk', 's']
    >>> words.decode(words.encode("I talk, he walks"))
    'I talk, he walks'

    References
    ----------
    Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units"
    (2016).
    """

    special: ClassVar[tuple[str, ...]] = ("<padding>", "<unknown>", "<start>", "<end>")
    padding: ClassVar[int] = 0
    unknown: ClassVar[int] = 1
    start: ClassVar[int] = 2
    end: ClassVar[int] = 3

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = list(pieces)
        begin = len(self.special)
        if tuple(self.pieces[:begin]) != self.special or len(set(self.pieces)) < len(self.pieces):
            raise ArgumentError(
                "Subwords", "these are not the pieces of a vocabulary",
                "Pass the `pieces` of one, or call Subwords.learn(texts, size).",
            )  # fmt: skip
        self._numbers = {piece: i for i, piece in enumerate(self.pieces) if i >= begin}
        self._cut: dict[str, list[int]] = {}  # words that were cut before

    @classmethod
    def learn(cls, texts: Iterable[str], size: int) -> Self:
        """Join the two neighbours that stand side by side most often, until there are enough.

        Parameters
        ----------
        texts
            Sentences, or a whole text in a list.
        size
            How many pieces there will be; fewer where no pair occurs twice.
        """
        counts = Counter(word for text in texts for word in _WORDS.findall(text))
        pieces = dict.fromkeys([*cls.special, *sorted(set("".join(counts)))])
        if count("Subwords", "size", size) < len(pieces):
            raise RangeError(
                "Subwords.learn", f"size={size} for {len(pieces)} characters and special pieces",
                f"Pass {len(pieces)} or more.",
            )  # fmt: skip
        pairs = _Pairs(counts)
        while len(pieces) < size and (best := pairs.most_frequent()):
            pairs.join(best)
            pieces["".join(best)] = None
        return cls(list(pieces))

    def __len__(self) -> int:
        return len(self.pieces)

    def encode(self, text: str) -> Array:
        """The numbers of a text's pieces, int64, without start and end."""
        numbers: list[int] = []
        for word in _WORDS.findall(text):
            if word not in self._cut:
                self._cut[word] = self._pieces_of(word)
            numbers += self._cut[word]
        return np.array(numbers, np.int64)

    def _pieces_of(self, word: str) -> list[int]:
        """Join neighbours in the order in which it was learnt."""
        parts, none = list(word), len(self)
        while len(parts) > 1:
            ranks = [self._numbers.get(a + b, none) for a, b in pairwise(parts)]
            first = min(ranks)
            if first == none:
                break
            place = ranks.index(first)
            parts[place : place + 2] = [self.pieces[first]]
        return [self._numbers.get(part, self.unknown) for part in parts]

    def decode(self, numbers: Any) -> str:
        """The text of these numbers, in an array, a tensor or a list, up to the first `end`.

        Start and padding leave no trace; an unknown character is a question mark in a diamond.
        """
        rows = np.asarray(numbers.raw if isinstance(numbers, Tensor) else numbers)
        if rows.size and (rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(self)):
            raise RangeError(
                "Subwords.decode", f"not all of these are numbers of the {len(self)} pieces",
                f"Pass integers from 0 to {len(self) - 1}.",
            )  # fmt: skip
        shown = {self.padding: "", self.start: "", self.unknown: "\N{REPLACEMENT CHARACTER}"}
        listed = rows.ravel().tolist()
        if self.end in listed:
            listed = listed[: listed.index(self.end)]
        return "".join(shown.get(i, self.pieces[i]) for i in listed)

    def __repr__(self) -> str:
        return f"Subwords({len(self)} pieces)"


class _Pairs:
    """How often two pieces are neighbours, in words that are spelled in ever longer pieces."""

    def __init__(self, words: Counter[str]) -> None:
        self.counts = list(words.values())
        self.spelled = [list(word) for word in words]
        self.totals: Counter[tuple[str, str]] = Counter()
        self.places: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
        for i, parts in enumerate(self.spelled):
            for pair in pairwise(parts):
                self.totals[pair] += self.counts[i]
                self.places[pair].add(i)
        self.queue = [(-total, pair) for pair, total in self.totals.items()]
        heapify(self.queue)

    def most_frequent(self) -> tuple[str, str] | None:
        """The most frequent pair, of those as frequent the first by alphabet; if one is left."""
        while self.queue:
            total, pair = heappop(self.queue)
            if -total == self.totals[pair]:  # else the entry is out of date
                return pair if -total > 1 else None
        return None

    def join(self, pair: tuple[str, str]) -> None:
        """Make one piece of `pair` wherever it stands."""
        changes: Counter[tuple[str, str]] = Counter()
        for i in self.places.pop(pair):
            before, after = self.spelled[i], _joined(self.spelled[i], pair)
            self.spelled[i] = after
            for old in pairwise(before):
                changes[old] -= self.counts[i]
            for new in pairwise(after):
                changes[new] += self.counts[i]
                self.places[new].add(i)
        for touched, change in changes.items():
            if change:
                self.totals[touched] += change
                heappush(self.queue, (-self.totals[touched], touched))


def _joined(parts: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out
