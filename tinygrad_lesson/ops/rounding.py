"""Elementwise rounding, and what is left by it."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import uniform

REALS = uniform(-3, 3)
NONZERO = uniform(-3, 3, avoid=(0.0,))


@elementwise(samples=[NONZERO])
def sign(xp: Namespace, x: Array, /) -> Array:
    """-1, 0 or 1; its derivative is zero."""
    return xp.sign(x)


@elementwise(samples=[REALS])
def floor(xp: Namespace, x: Array, /) -> Array:
    """The integer at or below; its derivative is zero."""
    return xp.floor(x)


@elementwise(samples=[REALS])
def ceil(xp: Namespace, x: Array, /) -> Array:
    """The integer at or above; its derivative is zero."""
    return xp.ceil(x)


@elementwise(samples=[REALS])
def trunc(xp: Namespace, x: Array, /) -> Array:
    """The integer towards zero; its derivative is zero."""
    return xp.trunc(x)


@elementwise(samples=[REALS])
def round(xp: Namespace, x: Array, /) -> Array:
    """The nearest integer, halves to even; its derivative is zero."""
    return xp.round(x)


@elementwise(samples=[REALS, REALS])
def nextafter(xp: Namespace, x: Array, y: Array, /) -> Array:
    """The next number of the dtype after `x` towards `y`; its derivative is declared zero."""
    return xp.nextafter(x, y)


for _op in (sign, floor, ceil, trunc, round, nextafter):
    _op.no_gradient(*_op.arrays)


@elementwise(samples=[uniform(-3, 3, avoid=(-2.0, -1.0, 0.0, 1.0, 2.0))])
def frac(xp: Namespace, x: Array, /) -> Array:
    """What truncation leaves, ``x - trunc(x)``, with the sign of `x`; its slope is 1 everywhere."""
    return xp.frac(x)


@frac.vjp("x")
def _(xp, g, out, x):
    return g
