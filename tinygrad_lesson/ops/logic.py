"""Comparisons and logic: elementwise ops whose results carry no gradient."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import booleans, integers, uniform

REALS = uniform(-3, 3)
BITS = integers(0, 16)
SHIFTS = integers(0, 4)


@elementwise(samples=[REALS, REALS])
def equal(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether ``x == y``."""
    return xp.equal(x, y)


@elementwise(samples=[REALS, REALS])
def not_equal(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether ``x != y``."""
    return xp.not_equal(x, y)


@elementwise(samples=[REALS, REALS])
def less(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether ``x < y``."""
    return xp.less(x, y)


@elementwise(samples=[REALS, REALS])
def less_equal(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether ``x <= y``."""
    return xp.less_equal(x, y)


@elementwise(samples=[REALS, REALS])
def greater(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether ``x > y``."""
    return xp.greater(x, y)


@elementwise(samples=[REALS, REALS])
def greater_equal(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether ``x >= y``."""
    return xp.greater_equal(x, y)


@elementwise(samples=[booleans(), booleans()])
def logical_and(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether both are true."""
    return xp.logical_and(x, y)


@elementwise(samples=[booleans(), booleans()])
def logical_or(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether one is true, or both."""
    return xp.logical_or(x, y)


@elementwise(samples=[booleans(), booleans()])
def logical_xor(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Whether just one is true."""
    return xp.logical_xor(x, y)


@elementwise(samples=[booleans()])
def logical_not(xp: Namespace, x: Array, /) -> Array:
    """Whether it is false."""
    return xp.logical_not(x)


@elementwise(samples=[BITS, BITS])
def bitwise_and(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``x & y`` of integers or booleans."""
    return xp.bitwise_and(x, y)


@elementwise(samples=[BITS, BITS])
def bitwise_or(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``x | y`` of integers or booleans."""
    return xp.bitwise_or(x, y)


@elementwise(samples=[BITS, BITS])
def bitwise_xor(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``x ^ y`` of integers or booleans."""
    return xp.bitwise_xor(x, y)


@elementwise(samples=[BITS])
def bitwise_invert(xp: Namespace, x: Array, /) -> Array:
    """``~x`` of integers or booleans."""
    return xp.bitwise_invert(x)


@elementwise(samples=[BITS, SHIFTS])
def bitwise_left_shift(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``x << y`` of integers, that is ``x * 2**y`` as far as the dtype has bits."""
    return xp.bitwise_left_shift(x, y)


@elementwise(samples=[BITS, SHIFTS])
def bitwise_right_shift(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``x >> y`` of integers, that is ``x / 2**y`` rounded down."""
    return xp.bitwise_right_shift(x, y)


@elementwise(samples=[REALS])
def isfinite(xp: Namespace, x: Array, /) -> Array:
    """Whether it is neither infinite nor NaN."""
    return xp.isfinite(x)


@elementwise(samples=[REALS])
def isinf(xp: Namespace, x: Array, /) -> Array:
    """Whether it is infinite."""
    return xp.isinf(x)


@elementwise(samples=[REALS])
def isnan(xp: Namespace, x: Array, /) -> Array:
    """Whether it is NaN."""
    return xp.isnan(x)


@elementwise(samples=[REALS])
def signbit(xp: Namespace, x: Array, /) -> Array:
    """Whether the sign is minus, as it is of -0.0 too."""
    return xp.signbit(x)


for _op in (
    equal, not_equal, less, less_equal, greater, greater_equal,
    logical_and, logical_or, logical_xor, logical_not,
    bitwise_and, bitwise_or, bitwise_xor, bitwise_invert,
    bitwise_left_shift, bitwise_right_shift, isfinite, isinf, isnan, signbit,
):  # fmt: skip
    _op.no_gradient(*_op.arrays)
