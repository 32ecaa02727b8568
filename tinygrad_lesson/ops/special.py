"""Special functions: the error function and the normal distribution, gamma and beta.

In float64 the values are those of the true functions within 4 units in the last place, unless a
docstring says otherwise; narrower floats are computed in float64 and rounded once. Each family is
closed under differentiation, so that derivatives of every order exist.
"""

from __future__ import annotations

import math

from ..arguments import count
from ..arrays import Array, Namespace
from ..errors import RangeError
from ..op import composite, elementwise
from ..samples import sample, uniform
from .precision import narrowed, widened

REALS = uniform(-3, 3)
POSITIVE = uniform(0.5, 4)
INSIDE = uniform(-0.9, 0.9)
PROBABILITIES = uniform(0.05, 0.95)

# ---- the error function ------------------------------------------------------------------


@elementwise(samples=[REALS])
def erf(xp: Namespace, x: Array, /) -> Array:
    """Error function ``2 / sqrt(pi) * integral of exp(-t**2) from 0 to x``.

    >>> import tinygrad_lesson as tl
    >>> round(tl.erf(1.0).item(), 6)
    0.842701
    """
    return xp.erf(x)


@erf.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * (2 / math.sqrt(math.pi) * xp.exp(-xp.square(x)))


@elementwise(samples=[REALS])
def erfc(xp: Namespace, x: Array, /) -> Array:
    """Complementary error function ``1 - erf(x)``, precise where that is next to nothing."""
    return xp.erfc(x)


@erfc.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * (-2 / math.sqrt(math.pi) * xp.exp(-xp.square(x)))


@elementwise(samples=[uniform(-1.5, 3)])
def erfcx(xp: Namespace, x: Array, /) -> Array:
    """Scaled complementary error function ``exp(x**2) * erfc(x)``, which does not underflow.

    Its derivative ``2 * x * erfcx(x) - 2 / sqrt(pi)`` is computed as it stands: for large `x` it
    is right to an absolute, not to a relative, precision.
    """
    return xp.erfcx(x)


@erfcx.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    return g * (2 * x * out - 2 / math.sqrt(math.pi))


@elementwise(samples=[INSIDE])
def erfinv(xp: Namespace, x: Array, /) -> Array:
    """Inverse of :func:`erf`: infinite at -1 and 1, NaN beyond.

    >>> import tinygrad_lesson as tl
    >>> round(tl.erfinv(tl.erf(0.3)).item(), 6)
    0.3
    """
    return xp.erfinv(x)


@erfinv.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (math.sqrt(math.pi) / 2 * xp.exp(xp.square(out)))


@elementwise(samples=[uniform(0.1, 1.9)])
def erfcinv(xp: Namespace, x: Array, /) -> Array:
    """Inverse of :func:`erfc`: infinite at 0 and 2, NaN beyond."""
    return xp.erfcinv(x)


@erfcinv.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (-math.sqrt(math.pi) / 2 * xp.exp(xp.square(out)))


# ---- the normal distribution -------------------------------------------------------------


@elementwise(samples=[REALS])
def ndtr(xp: Namespace, x: Array, /) -> Array:
    """Normal distribution: the probability that a standard normal variable is at most `x`.

    >>> import tinygrad_lesson as tl
    >>> round(tl.ndtr(1.96).item(), 3)
    0.975
    """
    return xp.ndtr(x)


@ndtr.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * (xp.exp(-0.5 * xp.square(x)) / math.sqrt(2 * math.pi))


@elementwise(samples=[REALS])
def log_ndtr(xp: Namespace, x: Array, /) -> Array:
    """``log(ndtr(x))``, precise at both ends, derivative included."""
    return xp.log_ndtr(x)


@log_ndtr.vjp("x", saves=("x",))
def _(xp, g, out, x):
    # The density over the distribution; exp(-x**2 / 2) is common to both and left out.
    return g * (math.sqrt(2 / math.pi) / xp.erfcx(-math.sqrt(0.5) * x))


@elementwise(samples=[PROBABILITIES])
def ndtri(xp: Namespace, x: Array, /) -> Array:
    """Quantile of the standard normal distribution, the inverse of :func:`ndtr`.

    It is infinite at 0 and 1, and NaN beyond.
    """
    return xp.ndtri(x)


@ndtri.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (math.sqrt(2 * math.pi) * xp.exp(0.5 * xp.square(out)))


@elementwise(samples=[POSITIVE])
def entr(xp: Namespace, x: Array, /) -> Array:
    """Entropy ``-x * log(x)``: 0 at 0, where the slope is infinite, and -inf below 0."""
    return xp.entr(x)


@entr.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return -g * (xp.log(x) + 1)


# ---- gamma -------------------------------------------------------------------------------


@elementwise(samples=[POSITIVE])
def gamma(xp: Namespace, x: Array, /) -> Array:
    """Gamma function, ``gamma(n + 1) = n!``; NaN at the negative integers.

    >>> import tinygrad_lesson as tl
    >>> tl.gamma(5.0).item()
    24.0
    """
    return xp.gamma(x)


@gamma.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    return g * (out * xp.digamma(x))


@elementwise(samples=[POSITIVE])
def lgamma(xp: Namespace, x: Array, /) -> Array:
    """Logarithm of ``abs(gamma(x))``: infinite at 0 and the negative integers.

    Precise at its zeros 1 and 2, too; next to its negative zeros, to an absolute precision only.
    """
    return xp.lgamma(x)


@lgamma.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.digamma(x)


@elementwise(samples=[POSITIVE])
def digamma(xp: Namespace, x: Array, /) -> Array:
    """Derivative of :func:`lgamma`; NaN at the negative integers.

    Precise at its zeros 1.4616... and -0.5040..., too; next to the others, all of them negative,
    to an absolute precision only.
    """
    return xp.digamma(x)


@digamma.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.polygamma(x, n=1)


@elementwise(samples=[sample(uniform(0.7, 4, (3, 4)), n=1), sample(uniform(0.7, 4, (3, 4)), n=0),
                      sample(uniform(1, 4, (3, 4)), n=2), sample(uniform(2, 4, (3,)), n=5)],
)  # fmt: skip
def polygamma(xp: Namespace, x: Array, /, n: int = 1) -> Array:
    """Derivative of order `n` of :func:`digamma`; infinite at 0 and the negative integers.

    The array comes first, unlike in SciPy and PyTorch, whose ``polygamma(n, x)`` this is. The
    order `n` is an integer from 0 to 170. For even `n`, which has zeros below 0, it has an absolute
    precision next to them.

    >>> import tinygrad_lesson as tl
    >>> round(tl.polygamma(1.0, n=1).item(), 6)  # pi**2 / 6
    1.644934
    """
    if count("polygamma", "n", n) > 170:
        raise RangeError("polygamma", f"n={n} is too large", "Pass n <= 170, as 171! overflows.")
    return xp.polygamma(x, n=n)


@polygamma.vjp("x", saves=("x",))
def _(xp, g, out, x, *, n):
    return g * xp.polygamma(x, n=n + 1)


@composite(samples=[sample(uniform(1.5, 4, (3, 4)), p=1), sample(uniform(1.5, 4, (3, 4)), p=3)])
def multigammaln(xp: Namespace, x: Array, /, p: int) -> Array:
    """Logarithm of the multivariate gamma function, for each element of `x`.

    ``p * (p - 1) / 4 * log(pi) + sum(lgamma(x - j / 2) for j in range(p))``, where
    ``x > (p - 1) / 2``. PyTorch has it as ``mvlgamma``.
    """
    if count("multigammaln", "p", p) < 1:
        raise RangeError("multigammaln", f"p={p} is no dimension", "Pass p >= 1.")
    out = xp.lgamma(x - 0.0)
    for j in range(1, p):
        out = out + xp.lgamma(x - j / 2)
    return out + p * (p - 1) / 4 * math.log(math.pi)


@elementwise(samples=[POSITIVE, POSITIVE])
def betaln(xp: Namespace, x: Array, y: Array, /) -> Array:
    """``log(beta(x, y)) = lgamma(x) + lgamma(y) - lgamma(x + y)`` for positive numbers.

    Large terms do not cancel: they are left out, as by DiDonato & Morris, "Algorithm 708",
    ACM Trans. Math. Softw. 18 (1992). Next to its zeros it has an absolute precision only. It is
    infinite at 0, and NaN below.
    """
    return xp.betaln(x, y)


@betaln.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * (xp.digamma(x) - xp.digamma(x + y))


@betaln.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return g * (xp.digamma(y) - xp.digamma(x + y))


@elementwise(samples=[POSITIVE, POSITIVE])
def beta(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Beta function ``gamma(x) * gamma(y) / gamma(x + y)`` for positive numbers.

    Unless both are below 4.5, it is the exponential of :func:`betaln`, and as precise as that is:
    to about 10 units in the last place, and as many more as its logarithm is large. It is
    infinite at 0, and NaN below.
    """
    return xp.beta(x, y)


@beta.vjp("x", saves=("out", "x", "y"))
def _(xp, g, out, x, y):
    return g * (out * (xp.digamma(x) - xp.digamma(x + y)))


@beta.vjp("y", saves=("out", "x", "y"))
def _(xp, g, out, x, y):
    return g * (out * (xp.digamma(y) - xp.digamma(x + y)))


@composite(samples=[sample(uniform(0.1, 4, (3, 4)))])
def factorial(xp: Namespace, x: Array, /) -> Array:
    """``gamma(x + 1)``, which is ``x!`` for integers, and exact up to 22.

    >>> import tinygrad_lesson as tl
    >>> tl.factorial([0, 1, 2, 3, 4]).tolist()
    [1.0, 1.0, 2.0, 6.0, 24.0]
    """
    return xp.gamma(x + 1.0)


@composite(samples=[sample(uniform(4, 6, (3, 4)), uniform(0.5, 3, (3, 4))),
                    sample(uniform(4, 6, (3, 1)), uniform(0.5, 3, (4,)))])  # fmt: skip
def binom(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Binomial coefficient ``x! / (y! * (x - y)!)`` for ``0 <= y <= x``, integers or not.

    It is ``1 / ((x + 1) * beta(x - y + 1, y + 1))``, and not rounded to an integer.

    >>> import tinygrad_lesson as tl
    >>> round(tl.binom(5.0, 2.0).item(), 5)
    10.0
    """
    (x, y), dtype = widened(xp, x, y, least="float64")
    following = x + 1.0
    return narrowed(xp, 1.0 / (following * xp.beta(following - y, y + 1.0)), dtype)
