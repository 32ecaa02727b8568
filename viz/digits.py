"""Arrays as a few lines of text: every number when they are few, else minimum, mean, maximum."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

ROWS, COLUMNS, VECTOR = 4, 4, 6
"""The largest matrix, and the longest vector, of which every number is written."""

HEADINGS: Final = ("min", "mean", "max")


class Digest(NamedTuple):
    """What is written of one array.

    Attributes
    ----------
    rows
        The numbers, row by row; for a large array one row under ``HEADINGS``.
    summary
        Whether it is that one row.
    alarm
        ``"2 NaN, 1 inf"``, or empty.
    zero
        Whether every number is zero.
    """

    rows: list[list[str]]
    summary: bool
    alarm: str
    zero: bool


def number(value: Any) -> str:
    """Write a number with four significant digits.

    Examples
    --------
    >>> number(0.123456), number(-2.0), number(1e-7), number(12), number(float("nan"))
    ('0.1235', '-2', '1e-07', '12', 'NaN')
    """
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    value = float(value)
    if np.isnan(value):
        return "NaN"
    text = f"{value:.4g}"
    return "0" if text == "-0" else text


def digest(array: Any) -> Digest:
    """Say what is to be written of `array`.

    Examples
    --------
    >>> digest([[1.0, 2.0], [3.0, 4.5]]).rows
    [['1', '2'], ['3', '4.5']]
    >>> digest(np.arange(100.0)).rows
    [['0', '49.5', '99']]
    """
    array = np.asarray(array)
    if array.size == 0:
        return Digest([["empty"]], False, "", False)
    zero, alarm = not array.any(), _alarm(array)
    vector = array.ndim < 2 and array.size <= VECTOR
    matrix = array.ndim == 2 and array.shape[0] <= ROWS and array.shape[1] <= COLUMNS
    if vector or matrix:
        rows = [[number(v) for v in row] for row in np.atleast_2d(array)]
        return Digest(rows, False, alarm, zero)
    real = array[np.isfinite(array)].astype(np.float64)
    if not real.size:
        return Digest([["-"] * len(HEADINGS)], True, alarm, zero)
    low, mean, high = real.min(), real.mean(), real.max()
    if array.dtype.kind == "f" and abs(mean) < np.finfo(array.dtype).eps * max(-low, high):
        mean = 0.0  # the rest is rounding
    return Digest([[number(v) for v in (low, mean, high)]], True, alarm, zero)


def _alarm(array: Array) -> str:
    if array.dtype.kind != "f":
        return ""
    counts = {"NaN": int(np.isnan(array).sum()), "inf": int(np.isinf(array).sum())}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)
