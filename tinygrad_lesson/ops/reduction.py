"""Reductions: along `axis` (None: all axes; an integer; a tuple), numbers become one.

`keepdims` leaves the reduced axes in place with length 1.
"""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..op import reduction
from ..samples import booleans, sample, uniform

Axis = int | tuple[int, ...] | None

REALS = uniform(-3, 3, (3, 4))
ALONG_AXES = [
    sample(REALS),
    sample(REALS, axis=0),
    sample(REALS, axis=-1, keepdims=True),
    sample(uniform(-3, 3, (2, 3, 2)), axis=(0, 2)),
    sample(uniform(-3, 3)),
]
OVER_BOOLEANS = [sample(booleans((3, 4))), sample(booleans((3, 4)), axis=0, keepdims=True)]
ONE_AXIS = [sample(REALS), sample(REALS, axis=0), sample(uniform(-3, 3, (2, 3, 2)), axis=1)]


def _count(out: Array, x: Array) -> float:
    """How many elements of `x` went into each one of `out`."""
    count: float = math.prod(x.shape) / (math.prod(out.shape) or 1)
    return count


def _kept(xp: Namespace, reduced: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """`reduced` with its lost axes back as axes of length 1, so that it broadcasts with `x`."""
    if keepdims or axis is None:
        return reduced
    axes = axis if isinstance(axis, tuple) else (axis,)
    lost = {a % x.ndim for a in axes} if x.ndim else set()
    return xp.reshape(reduced, tuple(1 if i in lost else n for i, n in enumerate(x.shape)))


@reduction(samples=ALONG_AXES)
def sum(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Sum; of nothing, 0."""
    return xp.sum(x, axis=axis, keepdims=keepdims)


@sum.vjp("x")
def _(xp, g, out, x, *, axis, keepdims):
    return xp.broadcast_to(_kept(xp, g, x, axis, keepdims), x.shape)


@reduction(samples=ALONG_AXES)
def mean(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Arithmetic mean."""
    return xp.mean(x, axis=axis, keepdims=keepdims)


@mean.vjp("x")
def _(xp, g, out, x, *, axis, keepdims):
    return xp.broadcast_to(_kept(xp, g / _count(out, x), x, axis, keepdims), x.shape)


@reduction(samples=ALONG_AXES)
def prod(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Product; of nothing, 1. The derivatives of all orders are right at zeros, too."""
    return xp.prod(x, axis=axis, keepdims=keepdims)


@prod.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis, keepdims):
    # The gradient of a factor is the product of all others, found without a division: pair
    # the factors up into a tree of products, then hand down to each child its sibling.
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    last = tuple(sorted(a % x.ndim for a in axes)) if x.ndim else ()
    first = tuple(a for a in range(x.ndim) if a not in last)
    order = first + last
    outer = tuple(x.shape[a] for a in first)
    factors = xp.reshape(xp.permute_dims(x, order), (*outer, math.prod(x.shape[a] for a in last)))
    levels = [factors]
    while levels[-1].shape[-1] > 1:
        level = levels[-1]
        if level.shape[-1] % 2:
            one = xp.ones_like(level[..., :1])
            level = levels[-1] = xp.concat([level, one], axis=-1)
        levels.append(level[..., 0::2] * level[..., 1::2])
    others = xp.reshape(g, (*outer, 1))
    for level in reversed(levels[:-1]):
        pairs = xp.reshape(level, (*outer, level.shape[-1] // 2, 2))
        others = xp.expand_dims(others[..., : pairs.shape[-2]], axis=-1) * xp.flip(pairs, axis=-1)
        others = xp.reshape(others, level.shape)
    others = xp.broadcast_to(others[..., : factors.shape[-1]], factors.shape)
    others = xp.reshape(others, tuple(x.shape[a] for a in order))
    return xp.permute_dims(others, tuple(order.index(a) for a in range(x.ndim)))


def _where_chosen(xp, g, out, x, *, axis, keepdims):
    chosen = x == _kept(xp, out, x, axis, keepdims)
    ties = xp.sum(xp.astype(chosen, g.dtype), axis=axis, keepdims=True)
    ties = ties + (ties == 0)  # NaN equals nothing
    return xp.where(chosen, _kept(xp, g, x, axis, keepdims) / ties, 0.0)


@reduction(samples=ALONG_AXES)
def max(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element; equal ones share the gradient evenly."""
    return xp.max(x, axis=axis, keepdims=keepdims)


@reduction(samples=ALONG_AXES)
def min(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest element; equal ones share the gradient evenly."""
    return xp.min(x, axis=axis, keepdims=keepdims)


max.vjp("x", saves=("out", "x"))(_where_chosen)
min.vjp("x", saves=("out", "x"))(_where_chosen)


@reduction(samples=[*ALONG_AXES[:4], sample(REALS, axis=1, correction=1.0)])
def var(
    xp: Namespace, x: Array, /, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Variance: squared deviations from the mean, over their number less `correction`."""
    return xp.var(x, axis=axis, correction=correction, keepdims=keepdims)


@var.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis, correction, keepdims):
    count = _count(out, x) - correction
    deviation = x - xp.mean(x, axis=axis, keepdims=True)
    return _kept(xp, g, x, axis, keepdims) * deviation * (2 / count if count > 0 else math.inf)


@reduction(samples=[*ALONG_AXES[:4], sample(REALS, axis=1, correction=1.0)])
def std(
    xp: Namespace, x: Array, /, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Standard deviation, the square root of :func:`var`; of equal numbers the derivative is 0."""
    return xp.sqrt(xp.var(x, axis=axis, correction=correction, keepdims=keepdims))


@std.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis, correction, keepdims):
    count = _count(out, x) - correction
    deviation = x - xp.mean(x, axis=axis, keepdims=True)
    g = g / (out + (out == 0))  # where it is 0, so is every deviation: 0 / 1 rather than 0 / 0
    return _kept(xp, g, x, axis, keepdims) * deviation * (1 / count if count > 0 else math.inf)


@reduction(samples=ALONG_AXES)
def logsumexp(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))``; never overflows."""
    return xp.logsumexp(x, axis=axis, keepdims=keepdims)


@logsumexp.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis, keepdims):
    share = xp.exp(x - _kept(xp, out, x, axis, keepdims))
    return _kept(xp, g, x, axis, keepdims) * share


@reduction(samples=ONE_AXIS)
def softmax(xp: Namespace, x: Array, /, axis: int = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along `axis`; the shape stays, and nothing overflows."""
    return xp.softmax(x, axis=axis)


@softmax.vjp("x", saves=("out",))
def _(xp, g, out, x, *, axis):
    weighted = g * out
    return weighted - out * xp.sum(weighted, axis=axis, keepdims=True)


@reduction(samples=ONE_AXIS)
def log_softmax(xp: Namespace, x: Array, /, axis: int = -1) -> Array:
    """``log(softmax(x))`` along `axis`, accurate where the softmax is near 0."""
    return xp.log_softmax(x, axis=axis)


@log_softmax.vjp("x", saves=("out",))
def _(xp, g, out, x, *, axis):
    return g - xp.exp(out) * xp.sum(g, axis=axis, keepdims=True)


@reduction(samples=ONE_AXIS)
def argmax(xp: Namespace, x: Array, /, axis: int | None = None, keepdims: bool = False) -> Array:
    """Number of the largest element, the first of equals."""
    return xp.argmax(x, axis=axis, keepdims=keepdims)


@reduction(samples=ONE_AXIS)
def argmin(xp: Namespace, x: Array, /, axis: int | None = None, keepdims: bool = False) -> Array:
    """Number of the smallest element, the first of equals."""
    return xp.argmin(x, axis=axis, keepdims=keepdims)


@reduction(samples=OVER_BOOLEANS)
def any(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether one is true."""
    return xp.any(x, axis=axis, keepdims=keepdims)


@reduction(samples=OVER_BOOLEANS)
def all(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Whether all are true."""
    return xp.all(x, axis=axis, keepdims=keepdims)


for _op in (argmax, argmin, any, all):
    _op.no_gradient("x")
