"""Elementwise arithmetic: one output element from one element of each input, shapes broadcast.

The derivatives are those of any calculus textbook; where a function has a kink, the docstring
says which subgradient is taken there.
"""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import sample, uniform

REALS = uniform(-3, 3)
POSITIVE = uniform(0.3, 3)
NONZERO = uniform(-3, 3, avoid=(0.0,))

# ---- sums, products and quotients --------------------------------------------------------


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


@elementwise(samples=[NONZERO])
def abs(xp: Namespace, x: Array, /) -> Array:
    """Absolute value; at the kink ``x = 0`` the derivative is 0."""
    return xp.abs(x)


@abs.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.sign(x)


@elementwise(samples=[uniform(0.1, 0.9), uniform(1, 2)])
def fmod(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Remainder ``x - y * trunc(x / y)``, with the sign of `x`."""
    return xp.fmod(x, y)


@fmod.vjp("x")
def _(xp, g, out, x, y):
    return g


@fmod.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return -g * xp.trunc(x / y)


# ---- sums of products --------------------------------------------------------------------


@elementwise(samples=[REALS, REALS, uniform(-1, 2)])
def lerp(xp: Namespace, start: Array, end: Array, weight: Array, /) -> Array:
    """Linear interpolation ``start * (1 - weight) + end * weight``."""
    return xp.lerp(start, end, weight)


@lerp.vjp("start", saves=("weight",))
def _(xp, g, out, start, end, weight):
    return g * (1 - weight)


@lerp.vjp("end", saves=("weight",))
def _(xp, g, out, start, end, weight):
    return g * weight


@lerp.vjp("weight", saves=("start", "end"))
def _(xp, g, out, start, end, weight):
    return g * (end - start)


_SCALED = sample(uniform(-3, 3, (3, 4)), uniform(-3, 3, (4,)), POSITIVE._replace(shape=(3, 1)),
                 value=-0.5)  # fmt: skip


@elementwise(samples=[REALS, REALS, REALS, _SCALED])
def addcmul(xp: Namespace, x: Array, y: Array, z: Array, /, value: float = 1) -> Array:
    """``x + value * y * z``."""
    return xp.addcmul(x, y, z, value=value)


@addcmul.vjp("x")
def _(xp, g, out, x, y, z, *, value):
    return g


@addcmul.vjp("y", saves=("z",))
def _(xp, g, out, x, y, z, *, value):
    return g * (z * value)


@addcmul.vjp("z", saves=("y",))
def _(xp, g, out, x, y, z, *, value):
    return g * (y * value)


@elementwise(samples=[REALS, REALS, NONZERO, _SCALED])
def addcdiv(xp: Namespace, x: Array, y: Array, z: Array, /, value: float = 1) -> Array:
    """``x + value * y / z``."""
    return xp.addcdiv(x, y, z, value=value)


@addcdiv.vjp("x")
def _(xp, g, out, x, y, z, *, value):
    return g


@addcdiv.vjp("y", saves=("z",))
def _(xp, g, out, x, y, z, *, value):
    return g * value / z


@addcdiv.vjp("z", saves=("y", "z"))
def _(xp, g, out, x, y, z, *, value):
    return -g * value * y / z / z


# ---- the number itself -------------------------------------------------------------------


@elementwise(samples=[REALS])
def positive(xp: Namespace, x: Array, /) -> Array:
    """The number as it is, ``+x``."""
    return xp.positive(x)


@elementwise(samples=[REALS])
def conj(xp: Namespace, x: Array, /) -> Array:
    """Complex conjugate: of a real number, the number itself."""
    return xp.conj(x)


@elementwise(samples=[REALS])
def real(xp: Namespace, x: Array, /) -> Array:
    """Real part: of a real number, the number itself."""
    return xp.real(x)


@elementwise(samples=[REALS])
def imag(xp: Namespace, x: Array, /) -> Array:
    """Imaginary part: of a real number, 0."""
    return xp.imag(x)


for _op in (positive, conj, real):
    _op.vjp("x")(lambda xp, g, out, x: g)
imag.no_gradient("x")
