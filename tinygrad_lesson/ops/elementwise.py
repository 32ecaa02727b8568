"""Elementwise ops: one output element from one element of each input, shapes broadcast.

The derivatives are those of any calculus textbook; where a function has a kink, the docstring
says which subgradient is taken there.
"""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import booleans, sample, uniform

REALS = uniform(-3, 3)
POSITIVE = uniform(0.3, 3)
NONZERO = uniform(-3, 3, avoid=(0.0,))

# ---- arithmetic --------------------------------------------------------------------------


@elementwise(samples=[REALS, REALS])
def add(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Sum ``x + y``."""
    return xp.add(x, y)


@add.vjp("x", "y")
def _(xp, g, out, x, y):
    return g


@elementwise(samples=[REALS, REALS])
def subtract(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Difference ``x - y``."""
    return xp.subtract(x, y)


@subtract.vjp("x")
def _(xp, g, out, x, y):
    return g


@subtract.vjp("y")
def _(xp, g, out, x, y):
    return -g


@elementwise(samples=[REALS, REALS])
def multiply(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Product ``x * y``."""
    return xp.multiply(x, y)


@multiply.vjp("x", saves=("y",))
def _(xp, g, out, x, y):
    return g * y


@multiply.vjp("y", saves=("x",))
def _(xp, g, out, x, y):
    return g * x


@elementwise(samples=[REALS, NONZERO])
def divide(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Quotient ``x / y``."""
    return xp.divide(x, y)


@divide.vjp("x", saves=("y",))
def _(xp, g, out, x, y):
    return g / y


@divide.vjp("y", saves=("out", "y"))
def _(xp, g, out, x, y):
    return -g * out / y


@elementwise(samples=[POSITIVE, REALS])
def pow(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Power ``x ** y``.

    A zero exponent has derivative 0 in `x`, and a zero base derivative 0 in `y`, as the limits
    from the right ask for.
    """
    return xp.pow(x, y)


@pow.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    base = x + (x == 0) * (y == 0)  # 0 * 1**-1 rather than 0 * 0**-1
    return g * (y * base ** (y - 1))


@pow.vjp("y", saves=("out", "x"))
def _(xp, g, out, x, y):
    return g * (out * xp.log(x + (x == 0)))  # 0 * log(1) rather than 0 * log(0)


@elementwise(samples=[REALS, NONZERO])
def floor_divide(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Quotient rounded down, ``x // y``; its derivative is zero."""
    return xp.floor_divide(x, y)


floor_divide.no_gradient("x", "y")


@elementwise(samples=[uniform(0.1, 0.9), uniform(1, 2)])
def remainder(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Remainder ``x % y = x - y * floor(x / y)``, with the sign of `y`."""
    return xp.remainder(x, y)


@remainder.vjp("x")
def _(xp, g, out, x, y):
    return g


@remainder.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return -g * xp.floor(x / y)


@elementwise(samples=[REALS])
def negative(xp: Namespace, x: Array, /) -> Array:
    """Negation ``-x``."""
    return xp.negative(x)


@negative.vjp("x")
def _(xp, g, out, x):
    return -g


@elementwise(samples=[NONZERO])
def reciprocal(xp: Namespace, x: Array, /) -> Array:
    """Reciprocal ``1 / x``."""
    return xp.reciprocal(x)


@reciprocal.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return -g * out * out


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


@elementwise(samples=[NONZERO])
def abs(xp: Namespace, x: Array, /) -> Array:
    """Absolute value; at the kink ``x = 0`` the derivative is 0."""
    return xp.abs(x)


@abs.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.sign(x)


# ---- exponentials and circular functions -------------------------------------------------


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


@elementwise(samples=[REALS])
def tanh(xp: Namespace, x: Array, /) -> Array:
    """Hyperbolic tangent."""
    return xp.tanh(x)


@tanh.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (1 - out * out)


# ---- activations -------------------------------------------------------------------------


@elementwise(samples=[uniform(-6, 6)])
def sigmoid(xp: Namespace, x: Array, /) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``; never overflows."""
    return xp.sigmoid(x)


@sigmoid.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (out - out * out)


@elementwise(samples=[NONZERO])
def relu(xp: Namespace, x: Array, /) -> Array:
    """Rectifier ``max(x, 0)``; at the kink ``x = 0`` the derivative is 0."""
    return xp.relu(x)


@relu.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return xp.where(out <= 0, 0.0, g)


# ---- choices -----------------------------------------------------------------------------


@elementwise(samples=[REALS, REALS])
def maximum(xp: Namespace, x: Array, y: Array, /) -> Array:
    """The larger of two; where they are equal, each gets half of the gradient."""
    return xp.maximum(x, y)


@maximum.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where(x > y, g, xp.where(x == y, g / 2, 0.0))


@maximum.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where(y > x, g, xp.where(x == y, g / 2, 0.0))


@elementwise(samples=[REALS, REALS])
def minimum(xp: Namespace, x: Array, y: Array, /) -> Array:
    """The smaller of two; where they are equal, each gets half of the gradient."""
    return xp.minimum(x, y)


@minimum.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where(x < y, g, xp.where(x == y, g / 2, 0.0))


@minimum.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where(y < x, g, xp.where(x == y, g / 2, 0.0))


@elementwise(samples=[sample(uniform(-3, 3, (3, 4), avoid=(-1.0, 2.0)), min=-1.0, max=2.0),
                      sample(uniform(-3, 3, (3, 4), avoid=(0.5,)), min=0.5)])  # fmt: skip
def clip(xp: Namespace, x: Array, /, min: float | None = None, max: float | None = None) -> Array:
    """`x` no lower than the number `min` and no higher than `max`; outside, the derivative is 0.

    For bounds that are tensors, use ``minimum(maximum(x, low), high)``.
    """
    return xp.clip(x, min, max)


@clip.vjp("x", saves=("x",))
def _(xp, g, out, x, *, min, max):
    if min is not None:
        g = xp.where(x >= min, g, 0.0)
    return g if max is None else xp.where(x <= max, g, 0.0)


@elementwise(samples=[booleans(), REALS, REALS])
def where(xp: Namespace, condition: Array, x: Array, y: Array, /) -> Array:
    """`x` where `condition` is true, else `y`.

    Both branches are computed, and differentiated, everywhere: keep each of them finite where
    the other is chosen.
    """
    return xp.where(condition, x, y)


where.no_gradient("condition")


@where.vjp("x", saves=("condition",))
def _(xp, g, out, condition, x, y):
    return xp.where(condition, g, 0.0)


@where.vjp("y", saves=("condition",))
def _(xp, g, out, condition, x, y):
    return xp.where(condition, 0.0, g)


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


for _op in (sign, floor, ceil, trunc, round):
    _op.no_gradient(*_op.arrays)
