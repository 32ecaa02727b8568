"""A number for each row, against rows of numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import Array

LENGTHS = range(512, 4097)
"""Of rows that NumPy would gather in its buffer of 8192 numbers, several at a time."""

MANY = 1 << 15
"""So many numbers are worth the two microseconds that it takes to set the buffer's size."""


def by_row(ufunc: Callable[..., Array], x: Array, column: Array, out: Array | None = None) -> Array:
    """``ufunc(x, column, out=out)`` where `column` has one number for each row of `x`.

    NumPy's ufuncs fill a buffer with copies of each number, which takes longer than to compute,
    unless the buffer is no longer than a row.
    """
    if x.size < MANY or x.shape[-1] not in LENGTHS:
        return ufunc(x, column, out=out)
    before = np.setbufsize(x.shape[-1] // 16 * 16)  # of this thread or task alone
    try:
        return ufunc(x, column, out=out)
    finally:
        np.setbufsize(before)
