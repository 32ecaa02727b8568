"""Elementwise powers and roots."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import integers, uniform

REALS = uniform(-3, 3)
POSITIVE = uniform(0.3, 3)
NONZERO = uniform(-3, 3, avoid=(0.0,))


@elementwise(samples=[POSITIVE, REALS])
def pow(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Power ``x ** y``.

    A zero exponent has derivative 0 in `x`, and a zero base derivative 0 in `y`, as the limits
    from the right ask for. In a zero base, an exponent between 0 and 1 has an infinite slope.
    """
    return xp.pow(x, y)


@pow.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    base = x + (x == 0) * (y == 0)  # 0 * 1**-1 rather than 0 * 0**-1
    return g * (y * base ** (y - 1))


@pow.vjp("y", saves=("out", "x"))
def _(xp, g, out, x, y):
    return g * xp.xlogy(out * (x != 0), x)  # 0 rather than 0 * log(0)


@elementwise(samples=[REALS])
def square(xp: Namespace, x: Array, /) -> Array:
    """Square ``x * x``."""
    return xp.square(x)


@square.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * (x + x)


@elementwise(samples=[POSITIVE])
def sqrt(xp: Namespace, x: Array, /) -> Array:
    """Square root; the slope at 0 is infinite."""
    return xp.sqrt(x)


@sqrt.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g / (out + out)


@elementwise(samples=[POSITIVE])
def rsqrt(xp: Namespace, x: Array, /) -> Array:
    """Reciprocal square root ``1 / sqrt(x)``."""
    return xp.rsqrt(x)


@rsqrt.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (out * out * out * -0.5)


@elementwise(samples=[NONZERO])
def cbrt(xp: Namespace, x: Array, /) -> Array:
    """Cube root, of negative numbers too; the slope at 0 is infinite."""
    return xp.cbrt(x)


@cbrt.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g / (out * out * 3)


@elementwise(samples=[NONZERO, NONZERO])
def hypot(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Length ``sqrt(x**2 + y**2)`` of a vector, without overflow; at (0, 0) the derivative is 0."""
    return xp.hypot(x, y)


@hypot.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, y):
    return g * (x / (out + (out == 0)))


@hypot.vjp("y", saves=("out", "y"))
def _(xp, g, out, x, y):
    return g * (y / (out + (out == 0)))


@elementwise(samples=[POSITIVE, REALS])
def float_power(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Power ``x ** y`` in double precision, whatever the inputs are; see :func:`pow`."""
    return xp.float_power(x, y)


@float_power.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    base = x + (x == 0) * (y == 0)
    return g * (y * xp.float_power(base, y - 1))


@float_power.vjp("y", saves=("out", "x"))
def _(xp, g, out, x, y):
    return g * xp.xlogy(out * (x != 0), x)


@elementwise(samples=[REALS, integers(-3, 4)])
def ldexp(xp: Namespace, x: Array, n: Array, /) -> Array:
    """``x * 2**n`` for integers `n`, exact but for overflow and underflow."""
    return xp.ldexp(x, n)


ldexp.no_gradient("n")


@ldexp.vjp("x", saves=("n",))
def _(xp, g, out, x, n):
    return xp.ldexp(g, n)
