"""Arrays for what a step returns and leaves behind, used again when nobody holds them any more."""

from __future__ import annotations

from sys import getrefcount

import numpy as np

from ...arrays import Array
from ...dtypes import DType
from ...graph import Shape

MOST = 3
"""So many arrays are kept for one result: what is read, what is written, and one to spare."""

FREE = 2
"""References to an array that only its pair has, and the function that counts them."""


def address(array: Array) -> int:
    """Where the numbers of an array begin."""
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def in_order(array: Array) -> Array:
    """An array as C reads it: row by row, and each number where the processor looks for one."""
    ordered = np.asarray(array, order="C")
    return ordered if ordered.flags.aligned else ordered.copy()


class Addresses:
    """Where the inputs of a step begin, looked up again only for other arrays than last time.

    Parameters
    ----------
    table
        What the C code reads: an address for each input.
    """

    def __init__(self, table: Array) -> None:
        self.table = table
        self.known: dict[int, int] = {}  # of the arrays of rings, by id
        self.last: list[Array | None] = [None] * len(table)

    def enter(self, place: int, array: Array) -> Array:
        """Put the address of an array into the table; return it, or a copy that lies in order."""
        ordered = in_order(array)
        # The owner may change a copied array without notice: it is copied every time.
        self.last[place] = array if ordered is array else None
        self.table[place] = address(ordered)
        return ordered


class Ring:
    """Arrays for one result; each has its turn when nobody refers to it."""

    def __init__(self, shape: Shape, dtype: DType, known: dict[int, int]) -> None:
        self.shape, self.dtype, self.known = shape, dtype, known
        self.pairs: list[tuple[Array, int]] = []

    def __call__(self) -> tuple[Array, int]:
        """An array that nobody else has, and its address."""
        for pair in self.pairs:
            if getrefcount(pair[0]) == FREE:
                return pair
        if len(self.pairs) == MOST:  # whoever holds the oldest shall keep it
            self.known.pop(id(self.pairs.pop(0)[0]), None)
        array = np.empty(self.shape, self.dtype)
        pair = array, address(array)
        self.pairs.append(pair)
        self.known[id(array)] = pair[1]
        return pair
