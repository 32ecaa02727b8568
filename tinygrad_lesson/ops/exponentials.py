"""Elementwise exponentials and logarithms."""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import uniform

REALS = uniform(-3, 3)
POSITIVE = uniform(0.3, 3)
LOG_2, LOG_10 = math.log(2), math.log(10)


@elementwise(samples=[REALS])
def exp(xp: Namespace, x: Array, /) -> Array:
    """Exponential."""
    return xp.exp(x)


@exp.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * out


@elementwise(samples=[REALS])
def expm1(xp: Namespace, x: Array, /) -> Array:
    """``exp(x) - 1``, accurate near 0."""
    return xp.expm1(x)


@expm1.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (out + 1)


@elementwise(samples=[POSITIVE])
def log(xp: Namespace, x: Array, /) -> Array:
    """Natural logarithm."""
    return xp.log(x)


@log.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / x


@elementwise(samples=[uniform(-0.7, 3)])
def log1p(xp: Namespace, x: Array, /) -> Array:
    """``log(1 + x)``, accurate near 0."""
    return xp.log1p(x)


@log1p.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / (x + 1)


@elementwise(samples=[REALS])
def exp2(xp: Namespace, x: Array, /) -> Array:
    """Power of two ``2**x``."""
    return xp.exp2(x)


@exp2.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (out * LOG_2)


@elementwise(samples=[POSITIVE])
def log2(xp: Namespace, x: Array, /) -> Array:
    """Logarithm to base 2."""
    return xp.log2(x)


@log2.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / (x * LOG_2)


@elementwise(samples=[POSITIVE])
def log10(xp: Namespace, x: Array, /) -> Array:
    """Logarithm to base 10."""
    return xp.log10(x)


@log10.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / (x * LOG_10)


@elementwise(samples=[uniform(0.05, 0.95)])
def logit(xp: Namespace, x: Array, /) -> Array:
    """Log-odds ``log(x / (1 - x))``, the inverse of the sigmoid; at 0 and 1 it is infinite."""
    return xp.logit(x)


@logit.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / (x * (1 - x))


# ---- sums of exponentials ----------------------------------------------------------------


@elementwise(samples=[REALS, REALS])
def logaddexp(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``log(exp(x) + exp(y))``; never overflows.

    Where both are the same infinity, each gets half of the gradient.
    """
    return xp.logaddexp(x, y)


@elementwise(samples=[REALS, REALS])
def logaddexp2(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``log2(2**x + 2**y)``; never overflows.

    Where both are the same infinity, each gets half of the gradient.
    """
    return xp.logaddexp2(x, y)


def _lead(xp, g, x, y):
    """``x - y``, and 0 where both are the same infinity; `g` gives the dtype of the zeros."""
    alike, zeros = xp.isinf(x) & (x == y), xp.zeros_like(g)
    return xp.where(alike, zeros, x) - xp.where(alike, zeros, y)


@logaddexp.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * xp.sigmoid(_lead(xp, g, x, y))


@logaddexp.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * xp.sigmoid(_lead(xp, g, y, x))


@logaddexp2.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * xp.sigmoid(_lead(xp, g, x, y) * LOG_2)


@logaddexp2.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * xp.sigmoid(_lead(xp, g, y, x) * LOG_2)


# ---- products with a logarithm -----------------------------------------------------------


@elementwise(samples=[REALS, POSITIVE])
def xlogy(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``x * log(y)``, and 0 where `x` is 0.

    Where `x` is 0 and `y` is 0 or less, the derivatives are 0, too.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> p = tl.Tensor([0.0, 0.5, 1.0])
    >>> (-tl.xlogy(p, p)).tolist()  # the terms of an entropy
    [-0.0, 0.3465735912322998, -0.0]
    """
    return xp.xlogy(x, y)


@xlogy.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * xp.xlogy((x != 0) | (y > 0), y)


@xlogy.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * (x / (y + (x == 0) * (y == 0)))


@elementwise(samples=[REALS, uniform(-0.7, 3)])
def xlog1py(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``x * log(1 + y)``, and 0 where `x` is 0; accurate where `y` is near 0.

    Where `x` is 0 and `y` is -1 or less, the derivatives are 0, too.
    """
    return xp.xlog1py(x, y)


@xlog1py.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * xp.xlog1py((x != 0) | (y > -1), y)


@xlog1py.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * (x / (y + 1 + (x == 0) * (y == -1)))
