"""Modified Bessel functions of the first kind, closed under differentiation through :func:`iv`.

Their precision is that of the other special functions, see ``special``.
"""

from __future__ import annotations

from ..arguments import count
from ..arrays import Array, Namespace
from ..errors import RangeError
from ..op import elementwise
from ..samples import sample, uniform

REALS = uniform(-3, 3)
SCALED = uniform(-3, 3, avoid=(0.0,))
HIGHEST = 10_000
"""The highest order: it comes by a recurrence of about 13 times as many steps."""


@elementwise(samples=[REALS])
def i0(xp: Namespace, x: Array, /) -> Array:
    """Modified Bessel function of the first kind, of order 0: ``sum((x / 2)**(2 * k) / k!**2)``."""
    return xp.i0(x)


@i0.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.i1(x)


@elementwise(samples=[REALS])
def i1(xp: Namespace, x: Array, /) -> Array:
    """Modified Bessel function of the first kind, of order 1; the derivative of :func:`i0`."""
    return xp.i1(x)


@i1.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * (0.5 * (xp.i0(x) + xp.iv(x, n=2)))  # nothing to divide by 0, unlike i0 - i1 / x


@elementwise(samples=[SCALED])
def i0e(xp: Namespace, x: Array, /) -> Array:
    """``exp(-abs(x)) * i0(x)``, which does not overflow; at the kink 0 the derivative is 0."""
    return xp.i0e(x)


@i0e.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    return g * (xp.i1e(x) - xp.sign(x) * out)


@elementwise(samples=[SCALED])
def i1e(xp: Namespace, x: Array, /) -> Array:
    """``exp(-abs(x)) * i1(x)``, which does not overflow."""
    return xp.i1e(x)


@i1e.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    return g * (0.5 * (xp.i0e(x) + xp.ive(x, n=2)) - xp.sign(x) * out)


def _order(where: str, n: int) -> int:
    if count(where, "n", n) > HIGHEST:
        raise RangeError(where, f"n={n} is too large", f"Pass n <= {HIGHEST}.")
    return n


@elementwise(samples=[sample(uniform(-3, 3, (3, 4)), n=n) for n in (0, 1, 2, 5)])
def iv(xp: Namespace, x: Array, /, n: int) -> Array:
    """Modified Bessel function of the first kind, of the integer order `n` from 0 to 10,000.

    The array comes first, unlike in SciPy's ``iv(v, z)``, whose order need not be an integer.
    """
    return xp.iv(x, n=_order("iv", n))


@iv.vjp("x", saves=("x",))
def _(xp, g, out, x, *, n):
    return g * (0.5 * (xp.iv(x, n=abs(n - 1)) + xp.iv(x, n=n + 1)))


@elementwise(samples=[sample(uniform(-3, 3, (3, 4), avoid=(0.0,)), n=n) for n in (0, 1, 2, 5)])
def ive(xp: Namespace, x: Array, /, n: int) -> Array:
    """``exp(-abs(x)) * iv(x, n)``, which does not overflow; at its kink 0 see :func:`i0e`."""
    return xp.ive(x, n=_order("ive", n))


@ive.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, n):
    slope = 0.5 * (xp.ive(x, n=abs(n - 1)) + xp.ive(x, n=n + 1))
    return g * (slope - xp.sign(x) * out)
