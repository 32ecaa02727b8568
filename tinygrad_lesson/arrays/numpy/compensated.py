"""Sums and products of doubles with what their rounding has cost, to make it good later on.

A function that is steep, or a row of products, would magnify it. Both are exact but for overflow:
T. J. Dekker, "A floating-point technique for extending the available precision" (1971).
"""

from __future__ import annotations

from .. import Array


def _halves(x: Array) -> tuple[Array, Array]:
    """Two numbers of 26 bits, whose sum is `x`."""
    upper = x * 134217729.0  # 2**27 + 1
    upper = upper - (upper - x)
    return upper, x - upper


def product(x: Array, y: Array) -> tuple[Array, Array]:
    """``x * y``, and how much it is too small."""
    out = x * y
    (a, b), (c, d) = _halves(x), _halves(y)
    return out, (a * c - out) + (a * d + b * c) + b * d


def total(x: Array, y: Array) -> tuple[Array, Array]:
    """``x + y``, and how much it is too small."""
    out = x + y
    added = out - x
    return out, (x - (out - added)) + (y - added)
