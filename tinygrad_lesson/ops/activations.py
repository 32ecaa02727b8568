"""Smooth activation functions, elementwise but for :func:`glu`; none of them overflows.

Names and defaults are PyTorch's. Those made of straight lines are in ``rectifiers``.
"""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..errors import RangeError
from ..op import elementwise, reduction
from ..samples import sample, uniform

REALS = uniform(-3, 3)
WIDE = uniform(-6, 6)
NONZERO = uniform(-3, 3, avoid=(0.0,))

SELU = (1.0507009873554805, 1.7580993408473766)  # its slopes at 0, from above and from below
GELU = (math.sqrt(2 / math.pi), 0.044715)  # coefficients of its tanh form

# ---- around the sigmoid ------------------------------------------------------------------


@elementwise(samples=[WIDE])
def sigmoid(xp: Namespace, x: Array, /) -> Array:
    """Logistic function ``1 / (1 + exp(-x))``."""
    return xp.sigmoid(x)


@sigmoid.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return g * (out - out * out)


@elementwise(samples=[WIDE])
def log_sigmoid(xp: Namespace, x: Array, /) -> Array:
    """``log(sigmoid(x))``, accurate where the sigmoid is near 0 or 1."""
    return xp.log_sigmoid(x)


@log_sigmoid.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g * xp.sigmoid(-x)


@elementwise(samples=[WIDE, sample(uniform(-3, 3, (3, 4)), beta=2.5)])
def softplus(xp: Namespace, x: Array, /, beta: float = 1.0) -> Array:
    """Smooth rectifier ``log(1 + exp(beta * x)) / beta``, accurate at both ends."""
    if beta <= 0:
        raise RangeError("softplus", f"beta={beta} is not positive", "Pass beta > 0.")
    return xp.softplus(x, beta=beta)


@softplus.vjp("x", saves=("x",))
def _(xp, g, out, x, *, beta):
    return g * xp.sigmoid(x if beta == 1 else x * beta)


@elementwise(samples=[WIDE])
def silu(xp: Namespace, x: Array, /) -> Array:
    """``x * sigmoid(x)``, called swish too; at minus infinity it is 0.

    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning" (2018).
    """
    return xp.silu(x)


@silu.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    s = xp.sigmoid(x)
    return g * (s + out * (1 - s))


@elementwise(samples=[WIDE])
def mish(xp: Namespace, x: Array, /) -> Array:
    """``x * tanh(softplus(x))``; at minus infinity it is 0.

    Misra, "Mish: a self regularized non-monotonic activation function" (2019).
    """
    return xp.mish(x)


@mish.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    # With s = sigmoid(x) and c = 1 - s, tanh(softplus(x)) = s * (1 + c) / (1 + c**2).
    s = xp.sigmoid(x)
    c = 1 - s
    square = c * c
    return g * ((s * (1 + c) + out * (4 * square / (1 + c))) / (1 + square))


@elementwise(samples=[WIDE, sample(uniform(-4, 4, (3, 4)), approximate="tanh")])
def gelu(xp: Namespace, x: Array, /, approximate: str = "none") -> Array:
    """``x`` times the chance that a normal variable is below it; at minus infinity it is 0.

    With ``approximate="tanh"`` that chance is taken as
    ``(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``. Both are from Hendrycks and Gimpel,
    "Gaussian error linear units" (2016).
    """
    if approximate not in ("none", "tanh"):
        raise RangeError(
            "gelu", f"approximate={approximate!r} is unknown", "Pass 'none' or 'tanh'."
        )
    return xp.gelu(x, approximate=approximate)


@gelu.vjp("x", saves=("x",))
def _(xp, g, out, x, *, approximate):
    if approximate == "none":
        return g * xp.gelu_slope(x)
    z = xp.clip(x, -10.0, 10.0)  # beyond, the slope is 0 or 1 to the last bit
    square = z * z
    rate, cubic = GELU
    t = xp.tanh(z * (square * (cubic * rate) + rate))
    inner = square * (3 * cubic * rate) + rate
    return g * ((1 + t + z * inner * (1 - t * t)) * 0.5)


@elementwise(samples=[WIDE])
def gelu_slope(xp: Namespace, x: Array, /) -> Array:
    """Derivative of :func:`gelu`: the chance below `x`, and `x` times the normal density there."""
    return xp.gelu_slope(x)


@gelu_slope.vjp("x", saves=("x",))
def _(xp, g, out, x):
    z = xp.clip(x, -40.0, 40.0)  # beyond, the density is 0
    square = z * z
    return g * (xp.exp(square * -0.5) * (2 - square) * (1 / math.sqrt(2 * math.pi)))


@reduction(samples=[sample(uniform(-3, 3, (3, 4))), sample(uniform(-3, 3, (4, 3)), axis=0),
                    sample(uniform(-3, 3, (2, 2, 3)), axis=-2)])  # fmt: skip
def glu(xp: Namespace, x: Array, /, axis: int = -1) -> Array:
    """Gated linear unit: the first half of `axis` times the sigmoid of the second half.

    Dauphin, Fan, Auli and Grangier, "Language modeling with gated convolutional networks" (2017).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.glu(tl.Tensor([3.0, 4.0, 0.0, 1000.0])).tolist()
    [1.5, 4.0]
    """
    return xp.glu(x, axis=axis)


@glu.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis):
    before = (slice(None),) * (axis % x.ndim)
    half = x.shape[axis] // 2
    s = xp.sigmoid(x[(*before, slice(half, None))])
    gated = g * s
    return xp.concat([gated, gated * x[(*before, slice(half))] * (1 - s)], axis=axis)


# ---- exponential below 0 -----------------------------------------------------------------


@elementwise(samples=[NONZERO, sample(NONZERO._replace(shape=(3, 4)), alpha=0.5)])
def elu(xp: Namespace, x: Array, /, alpha: float = 1.0) -> Array:
    """`x` where it is positive, else ``alpha * (exp(x) - 1)``; at 0 the derivative is `alpha`.

    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential
    linear units" (2016).
    """
    return xp.elu(x, alpha=alpha)


@elu.vjp("x", saves=("x",))
def _(xp, g, out, x, *, alpha):
    return _exponential_below(xp, g, x, 1, alpha)


@elementwise(samples=[NONZERO])
def selu(xp: Namespace, x: Array, /) -> Array:
    """1.0507 times the :func:`elu` of alpha 1.6733, which keeps mean 0 and variance 1.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017).
    """
    return xp.selu(x)


@selu.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return _exponential_below(xp, g, x, *SELU)


@elementwise(samples=[NONZERO, sample(NONZERO._replace(shape=(3, 4)), alpha=0.5)])
def celu(xp: Namespace, x: Array, /, alpha: float = 1.0) -> Array:
    """`x` where it is positive, else ``alpha * (exp(x / alpha) - 1)``; smooth at 0.

    Barron, "Continuously differentiable exponential linear units" (2017).
    """
    if alpha <= 0:
        raise RangeError("celu", f"alpha={alpha} is not positive", "Pass alpha > 0.")
    return xp.celu(x, alpha=alpha)


@celu.vjp("x", saves=("x",))
def _(xp, g, out, x, *, alpha):
    return g * xp.exp(xp.minimum(x, 0.0) * (1 / alpha))


def _exponential_below(xp, g, x, above, below):
    """The rule for ``above * x`` above 0, and ``below * (exp(x) - 1)`` below."""
    slope = xp.exp(xp.minimum(x, 0.0))
    return g * slope if above == below == 1 else g * xp.where(x > 0, above, slope * below)


# ---- others ------------------------------------------------------------------------------


@elementwise(samples=[NONZERO])
def softsign(xp: Namespace, x: Array, /) -> Array:
    """``x / (1 + abs(x))``; at the infinities it is -1 and 1."""
    return xp.softsign(x)


@softsign.vjp("x", saves=("x",))
def _(xp, g, out, x):
    size = 1 + xp.abs(x)
    return g / size / size


@elementwise(samples=[REALS])
def tanhshrink(xp: Namespace, x: Array, /) -> Array:
    """``x - tanh(x)``; near 0, where it is ``x**3 / 3``, the last digits of `x` are its error."""
    return xp.tanhshrink(x)


@tanhshrink.vjp("x", saves=("x",))
def _(xp, g, out, x):
    t = xp.tanh(x)
    return g * (t * t)
