"""Elementwise choices: which of several numbers an element becomes."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..op import elementwise
from ..samples import booleans, sample, uniform

REALS = uniform(-3, 3)
NONZERO = uniform(-3, 3, avoid=(0.0,))


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


@elementwise(samples=[REALS, uniform(-2, 4)])
def fmax(xp: Namespace, x: Array, y: Array, /) -> Array:
    """The larger of two, or the one that is not NaN; equal ones each get half of the gradient."""
    return xp.fmax(x, y)


@fmax.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where((x > y) | (y != y), g, xp.where(x == y, g / 2, 0.0))


@fmax.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where((y > x) | (x != x), g, xp.where(x == y, g / 2, 0.0))


@elementwise(samples=[REALS, uniform(-2, 4)])
def fmin(xp: Namespace, x: Array, y: Array, /) -> Array:
    """The smaller of two, or the one that is not NaN; equal ones each get half of the gradient."""
    return xp.fmin(x, y)


@fmin.vjp("x", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where((x < y) | (y != y), g, xp.where(x == y, g / 2, 0.0))


@fmin.vjp("y", saves=("x", "y"))
def _(xp, g, out, x, y):
    return xp.where((y < x) | (x != x), g, xp.where(x == y, g / 2, 0.0))


@elementwise(samples=[sample(uniform(-3, 3, (3, 4), avoid=(-1.0, 2.0)), min=-1.0, max=2.0),
                      sample(uniform(-3, 3, (3, 4), avoid=(0.5,)), min=0.5)])  # fmt: skip
def clip(xp: Namespace, x: Array, /, min: float | None = None, max: float | None = None) -> Array:
    """`x` no lower than the number `min` and no higher than `max`; outside, the derivative is 0.

    Bounds that are arrays are taken by the function ``tl.clip``, which is this op for numbers.
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


@elementwise(samples=[REALS, booleans(), REALS])
def masked_fill(xp: Namespace, x: Array, mask: Array, value: Array, /) -> Array:
    """`x`, and `value` where `mask` is true.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> scores = tl.Tensor([1.0, 2.0, 3.0])
    >>> scores.masked_fill([False, True, False], float("-inf")).tolist()
    [1.0, -inf, 3.0]
    """
    return xp.where(mask, value, x)


masked_fill.no_gradient("mask")


@masked_fill.vjp("x", saves=("mask",))
def _(xp, g, out, x, mask, value):
    return xp.where(mask, 0.0, g)


@masked_fill.vjp("value", saves=("mask",))
def _(xp, g, out, x, mask, value):
    return xp.where(mask, g, 0.0)


@elementwise(
    samples=[
        sample(uniform(-3, 3, (3, 4), avoid=(0.5,)), threshold=0.5, value=-1.0),
        sample(uniform(-3, 3, (3,), avoid=(0.0,)), threshold=0.0, value=20.0),
    ]
)
def threshold(xp: Namespace, x: Array, /, threshold: float, value: float) -> Array:
    """`x` where it is larger than the number `threshold`, elsewhere the number `value`.

    At the threshold the derivative is 0.
    """
    return xp.where(x <= threshold, value, x)


@threshold.vjp("x", saves=("x",))
def _(xp, g, out, x, *, threshold, value):
    return xp.where(x <= threshold, 0.0, g)


@elementwise(samples=[booleans(), REALS])  # gradcheck could not tell what happens at the step
def heaviside(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Step function: 0 where `x` is negative, 1 where it is positive, and `y` where it is 0.

    The derivative in `x` is 0, also at the step.
    """
    return xp.heaviside(x, y)


heaviside.no_gradient("x")


@heaviside.vjp("y", saves=("x",))
def _(xp, g, out, x, y):
    return xp.where(x == 0, g, 0.0)


@elementwise(samples=[NONZERO, NONZERO])
def copysign(xp: Namespace, x: Array, y: Array, /) -> Array:
    """The magnitude of `x` with the sign of `y`; where `x` is 0, the derivative is 0."""
    return xp.copysign(x, y)


copysign.no_gradient("y")


@copysign.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, y):
    return g * (xp.sign(out) * xp.sign(x))


@elementwise(samples=[REALS, sample(uniform(-3, 3, (3, 4)), nan=1.0, posinf=2.0, neginf=-2.0)])
def nan_to_num(
    xp: Namespace,
    x: Array,
    /,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Array:
    """`x` with finite numbers in the place of NaN and the infinities; there, the derivative is 0.

    Without `posinf` and `neginf` the infinities become the largest and the lowest number.
    """
    return xp.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


@nan_to_num.vjp("x", saves=("x",))
def _(xp, g, out, x, *, nan, posinf, neginf):
    return xp.where(xp.isfinite(x), g, 0.0)
