"""Elementwise circular and hyperbolic functions, and their inverses."""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import sample, uniform

REALS = uniform(-3, 3)
NONZERO = uniform(-3, 3, avoid=(0.0,))
INSIDE = uniform(-0.9, 0.9)

# ---- circular functions ------------------------------------------------------------------


@elementwise(samples=[REALS])
def sin(xp: Namespace, x: Array, /) -> Array:
    """Sine of an angle in radians."""
    return xp.sin(x)


@sin.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.cos(x)


@elementwise(samples=[REALS])
def cos(xp: Namespace, x: Array, /) -> Array:
    """Cosine of an angle in radians."""
    return xp.cos(x)


@cos.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return -g * xp.sin(x)


@elementwise(samples=[uniform(-1.2, 1.2)])
def tan(xp: Namespace, x: Array, /) -> Array:
    """Tangent of an angle in radians."""
    return xp.tan(x)


@tan.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (1 + out * out)


@elementwise(samples=[INSIDE])
def asin(xp: Namespace, x: Array, /) -> Array:
    """Angle between -pi/2 and pi/2 whose sine is `x`; the slope at -1 and 1 is infinite."""
    return xp.asin(x)


@asin.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / xp.sqrt((1 - x) * (1 + x))


@elementwise(samples=[INSIDE])
def acos(xp: Namespace, x: Array, /) -> Array:
    """Angle between 0 and pi whose cosine is `x`; the slope at -1 and 1 is infinite."""
    return xp.acos(x)


@acos.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return -g / xp.sqrt((1 - x) * (1 + x))


@elementwise(samples=[REALS])
def atan(xp: Namespace, x: Array, /) -> Array:
    """Angle between -pi/2 and pi/2 whose tangent is `x`."""
    return xp.atan(x)


@atan.vjp("x", saves=("x",))
def _(xp, g, out, x):
    length = xp.hypot(x, 1.0)  # x * x could overflow
    return g / length / length


@elementwise(samples=[NONZERO, NONZERO])
def atan2(xp: Namespace, y: Array, x: Array, /) -> Array:
    """Angle of the point (x, y), between -pi and pi; at (0, 0) the derivative is 0."""
    return xp.atan2(y, x)


@atan2.vjp("y", saves=("y", "x"))
def _(xp, g, out, y, x):
    length = _length(xp, x, y)
    return g * (x / length) / length


@atan2.vjp("x", saves=("y", "x"))
def _(xp, g, out, y, x):
    length = _length(xp, x, y)
    return -g * (y / length) / length


def _length(xp, x, y):
    """Of the vector (x, y); 1 for (0, 0)."""
    length = xp.hypot(x, y)
    return length + (length == 0)


@elementwise(samples=[REALS])
def deg2rad(xp: Namespace, x: Array, /) -> Array:
    """Degrees in radians, ``x * pi / 180``."""
    return xp.deg2rad(x)


@deg2rad.vjp("x")
def _(xp, g, out, x):
    return g * (math.pi / 180)


@elementwise(samples=[REALS])
def rad2deg(xp: Namespace, x: Array, /) -> Array:
    """Radians in degrees, ``x * 180 / pi``."""
    return xp.rad2deg(x)


@rad2deg.vjp("x")
def _(xp, g, out, x):
    return g * (180 / math.pi)


@elementwise(samples=[NONZERO, sample(uniform(-3, 3, (3, 4)), order=1),
                      sample(uniform(-0.7, 0.7, (3,)), order=2)])  # fmt: skip
def sinc(xp: Namespace, x: Array, /, order: int = 0) -> Array:
    """Cardinal sine ``sin(pi * x) / (pi * x)``, and 1 at 0, or its derivative of that `order`.

    Derivatives of all orders are accurate at 0 and beside it, where the quotient would lose all
    digits: near 0 they are summed up from the power series.
    """
    return xp.sinc(x, order=order)


@sinc.vjp("x", saves=("x",))
def _(xp, g, out, x, *, order):
    return g * xp.sinc(x, order=order + 1)


# ---- hyperbolic functions ----------------------------------------------------------------


@elementwise(samples=[REALS])
def sinh(xp: Namespace, x: Array, /) -> Array:
    """Hyperbolic sine."""
    return xp.sinh(x)


@sinh.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.cosh(x)


@elementwise(samples=[REALS])
def cosh(xp: Namespace, x: Array, /) -> Array:
    """Hyperbolic cosine."""
    return xp.cosh(x)


@cosh.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.sinh(x)


@elementwise(samples=[REALS])
def tanh(xp: Namespace, x: Array, /) -> Array:
    """Hyperbolic tangent."""
    return xp.tanh(x)


@tanh.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (1 - out * out)


@elementwise(samples=[REALS])
def asinh(xp: Namespace, x: Array, /) -> Array:
    """Inverse of the hyperbolic sine."""
    return xp.asinh(x)


@asinh.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / xp.hypot(x, 1.0)


@elementwise(samples=[uniform(1.2, 4)])
def acosh(xp: Namespace, x: Array, /) -> Array:
    """Inverse of the hyperbolic cosine, not negative; the slope at 1 is infinite."""
    return xp.acosh(x)


@acosh.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / xp.sqrt(x - 1) / xp.sqrt(x + 1)


@elementwise(samples=[INSIDE])
def atanh(xp: Namespace, x: Array, /) -> Array:
    """Inverse of the hyperbolic tangent; at -1 and 1 it is infinite."""
    return xp.atanh(x)


@atanh.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g / ((1 - x) * (1 + x))
