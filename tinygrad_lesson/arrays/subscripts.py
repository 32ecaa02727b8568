"""What einsum's subscripts say, in the plainest form: one letter for each axis of each operand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from string import ascii_letters
from typing import NamedTuple

from ..errors import ArgumentError, ShapeError

REMEDY = 'Write one letter for each axis, as in "ij,jk->ik"; "..." stands for any axes.'


class Subscripts(NamedTuple):
    """The letters of each operand's axes, and those of the result's."""

    terms: tuple[str, ...]
    result: str

    def __str__(self) -> str:
        return f"{','.join(self.terms)}->{self.result}"


def _refused(what: str, remedy: str = REMEDY) -> ArgumentError:
    return ArgumentError("einsum", what, remedy)


@lru_cache(maxsize=1024)
def parse(subscripts: str, counts: tuple[int, ...]) -> Subscripts:
    """Spell out `subscripts` for operands with `counts` axes: no dots, and a result."""
    written, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = written.split(",")
    if len(terms) != len(counts):
        raise _refused(f"{subscripts!r} is for {len(terms)} operands, and {len(counts)} are given")
    for term in (*terms, result):
        letters = term.replace("...", "", 1)
        if not set(letters) <= set(ascii_letters):
            raise _refused(f"{term!r} in {subscripts!r} has more in it than letters and one '...'")
    spare = [letter for letter in ascii_letters if letter not in subscripts]
    hidden = [_hidden(term, count, subscripts) for term, count in zip(terms, counts, strict=True)]
    dots = "".join(spare[: max(hidden)])
    terms = [
        term.replace("...", dots[len(dots) - many :])
        for term, many in zip(terms, hidden, strict=True)
    ]
    if arrow:
        if dots and "..." not in result:
            raise _refused(f"the result of {subscripts!r} lacks the axes that '...' stands for")
        result = result.replace("...", dots)
    else:
        every = "".join(terms)
        single = sorted(x for x in set(every) - set(dots) if every.count(x) == 1)
        result = dots + "".join(single)
    for letter in result:
        if result.count(letter) > 1:
            raise _refused(f"{letter!r} is twice in the result of {subscripts!r}")
        if not any(letter in term for term in terms):
            raise _refused(f"{letter!r} in the result of {subscripts!r} is in no operand")
    return Subscripts(tuple(terms), result)


def _hidden(term: str, count: int, subscripts: str) -> int:
    """How many axes the dots in `term` stand for, in an operand with `count` axes."""
    letters = len(term.replace("...", ""))
    if letters > count or ("..." not in term and letters < count):
        raise ShapeError(
            "einsum",
            f"{term!r} in {subscripts!r} has {letters} letters for an operand of {count} axes",
            REMEDY,
        )
    return count - letters


def lengths(subscripts: Subscripts, shapes: Iterable[Sequence[int]]) -> dict[str, int]:
    """The length that each letter stands for; axes of length 1 are stretched to the others'."""
    found: dict[str, int] = {}
    for term, shape in zip(subscripts.terms, shapes, strict=True):
        for letter, length in zip(term, shape, strict=True):
            other, own = found.setdefault(letter, length), shape[term.index(letter)]
            if own != length or (length != other and 1 not in (length, other)):
                differs = own if own != length else other
                raise ShapeError(
                    "einsum",
                    f"{letter!r} in '{subscripts}' stands for lengths {differs} and {length}",
                    "Axes with the same letter have the same length, or in two operands 1.",
                )
            if other == 1:
                found[letter] = length
    return found
