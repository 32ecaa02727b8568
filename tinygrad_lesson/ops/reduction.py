"""Reductions: along `axis` (None: all axes; an integer; a tuple), numbers become one.

`keepdims` leaves the reduced axes in place with length 1.
"""

from __future__ import annotations

import math
from typing import Any

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import ShapeError
from ..op import reduction
from ..samples import booleans, integers, sample, uniform

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


def _reduced(x: Array, axis: Axis) -> tuple[int, ...]:
    """The axes that are reduced, counted from the front."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(a % x.ndim for a in axes)) if x.ndim else ()


def kept(xp: Namespace, reduced: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """`reduced` with its lost axes back as axes of length 1, so that it broadcasts with `x`."""
    if keepdims or axis is None:
        return reduced
    lost = _reduced(x, axis)
    return xp.reshape(reduced, tuple(1 if i in lost else n for i, n in enumerate(x.shape)))


def checked(where: str, x: Array, axis: Axis) -> tuple[int, ...]:
    """The axes that the composite `where` reduces, counted from the front."""
    return arguments.axes(where, tuple(range(x.ndim)) if axis is None else axis, x.ndim)


def nonempty(where: str, x: Array, axis: Axis) -> tuple[int, ...]:
    """The axes that are reduced, along which there must be something."""
    axes = checked(where, x, axis)
    if not math.prod(x.shape[a] for a in axes):
        raise ShapeError(
            where,
            f"shape {x.shape} has no elements{'' if axis is None else f' along axis {axis}'}",
            "Of nothing there is none; check the shape.",
        )
    return axes


def floats(xp: Namespace, x: Array) -> Array:
    """`x`, integers and booleans in double precision, in which they do not wrap around."""
    return x if x.dtype.kind == "f" else xp.astype(x, "float64")


@reduction(samples=ALONG_AXES)
def sum(
    xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False, dtype: Any = None
) -> Array:
    """Sum; of nothing, 0.

    It is found in, and has, `dtype` (None: that of `x`, but int64 for smaller integers).
    """
    return xp.sum(x, axis=axis, keepdims=keepdims, dtype=dtype)


@sum.vjp("x")
def _(xp, g, out, x, *, axis, keepdims, dtype):
    return xp.broadcast_to(kept(xp, g, x, axis, keepdims), x.shape)


@reduction(samples=ALONG_AXES)
def mean(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Arithmetic mean."""
    return xp.mean(x, axis=axis, keepdims=keepdims)


@mean.vjp("x")
def _(xp, g, out, x, *, axis, keepdims):
    return xp.broadcast_to(kept(xp, g / _count(out, x), x, axis, keepdims), x.shape)


@reduction(samples=ALONG_AXES)
def prod(
    xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False, dtype: Any = None
) -> Array:
    """Product; of nothing, 1. The derivatives of all orders are right at zeros, too.

    It is found in, and has, `dtype` (None: as for :func:`sum`).
    """
    return xp.prod(x, axis=axis, keepdims=keepdims, dtype=dtype)


@prod.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis, keepdims, dtype):
    # The gradient of a factor is the product of all others, found without a division: pair
    # the factors up into a tree of products, then hand down to each child its sibling.
    last = _reduced(x, axis)
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
    chosen = x == kept(xp, out, x, axis, keepdims)
    ties = xp.sum(xp.astype(chosen, g.dtype), axis=axis, keepdims=True)
    ties = ties + (ties == 0)  # NaN equals nothing
    return xp.where(chosen, kept(xp, g, x, axis, keepdims) / ties, 0.0)


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


def _deviation(xp: Namespace, x: Array, axis: Axis) -> Array:
    """`x` less its mean, found so that it is exactly 0 for equal numbers."""
    reduced = _reduced(x, axis)
    first = tuple(slice(0, 1) if a in reduced else slice(None) for a in range(x.ndim))
    x = x - x[first]
    return x - xp.mean(x, axis=axis, keepdims=True)


@reduction(samples=[*ALONG_AXES[:4], sample(REALS, axis=1, correction=1.0)])
def var(
    xp: Namespace, x: Array, /, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Variance: squared deviations from the mean, over their number less `correction`."""
    return xp.var(x, axis=axis, correction=correction, keepdims=keepdims)


@var.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis, correction, keepdims):
    count = _count(out, x) - correction
    deviation = _deviation(xp, x, axis)
    return kept(xp, g, x, axis, keepdims) * deviation * (2 / count if count > 0 else math.inf)


@reduction(samples=[*ALONG_AXES[:4], sample(REALS, axis=1, correction=1.0)])
def std(
    xp: Namespace, x: Array, /, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> Array:
    """Standard deviation, the square root of :func:`var`; of equal numbers the derivative is 0."""
    return xp.std(x, axis=axis, correction=correction, keepdims=keepdims)


@std.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis, correction, keepdims):
    count = _count(out, x) - correction
    deviation = _deviation(xp, x, axis)
    g = g / (out + (out == 0))  # where it is 0, so is every deviation: 0 / 1 rather than 0 / 0
    return kept(xp, g, x, axis, keepdims) * deviation * (1 / count if count > 0 else math.inf)


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


@reduction(samples=[sample(booleans((3, 4))), sample(integers(0, 3, (3, 4)), axis=(0, 1)),
                    sample(integers(0, 3, (3, 4)), axis=0, keepdims=True)])  # fmt: skip
def count_nonzero(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """How many are not zero."""
    return xp.count_nonzero(x, axis=axis, keepdims=keepdims)


for _op in (argmax, argmin, any, all, count_nonzero):
    _op.no_gradient("x")
