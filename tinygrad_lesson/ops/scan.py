"""Scans: along one axis, each number becomes a total of all numbers up to it.

Only a 1-D array may leave out the `axis`.
"""

from __future__ import annotations

import math
from typing import Any

from .. import arguments
from ..arrays import SLOT, Array, Namespace
from ..op import composite, scan
from ..samples import sample, uniform

Index = tuple[Any, ...]

TABLE = uniform(-3, 3, (3, 4))
ALONG_ONE = [
    sample(uniform(-3, 3, (5,))),
    sample(TABLE, axis=0),
    sample(uniform(-3, 3, (2, 3, 2)), axis=-2),
]
WITH_THE_EMPTY_ONE = [*ALONG_ONE, sample(TABLE, axis=1, include_initial=True)]


def _axis(x: Array, axis: int | None) -> int:
    found: int = (axis or 0) % x.ndim
    return found


def _part(axis: int, part: slice) -> Index:
    """The index that cuts along one axis."""
    return (slice(None),) * axis + (part,)


ALL_BUT_FIRST, ALL_BUT_LAST = slice(1, None), slice(None, -1)


# ---- sums and products -------------------------------------------------------------------


@scan(samples=WITH_THE_EMPTY_ONE)
def cumulative_sum(
    xp: Namespace,
    x: Array,
    /,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Array:
    """Sum of all numbers up to each one; with `include_initial`, after the sum of none, 0."""
    return xp.cumulative_sum(x, axis=axis, dtype=dtype, include_initial=include_initial)


@cumulative_sum.vjp("x")
def _(xp, g, out, x, *, axis, dtype, include_initial):
    axis = _axis(x, axis)
    if include_initial:
        g = g[_part(axis, ALL_BUT_FIRST)]
    return xp.flip(xp.cumulative_sum(xp.flip(g, axis=axis), axis=axis), axis=axis)


@scan(samples=WITH_THE_EMPTY_ONE)
def cumulative_prod(
    xp: Namespace,
    x: Array,
    /,
    axis: int | None = None,
    dtype: Any = None,
    include_initial: bool = False,
) -> Array:
    """Product of all numbers up to each one; with `include_initial`, after that of none, 1.

    The derivatives of all orders are right at zeros, too.
    """
    return xp.cumulative_prod(x, axis=axis, dtype=dtype, include_initial=include_initial)


@cumulative_prod.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis, dtype, include_initial):
    # x[j] is a factor of out[i] for all i >= j. What is before it is the same in all of them;
    # what comes after it is s[j] = g[j] + x[j+1] g[j+1] + ... = g[j] + x[j+1] s[j+1].
    axis = _axis(x, axis)
    if include_initial:
        g = g[_part(axis, ALL_BUT_FIRST)]
    before = xp.cumulative_prod(x, axis=axis, include_initial=True)[_part(axis, ALL_BUT_LAST)]
    links = x[_part(axis, ALL_BUT_FIRST)]
    return before * xp.linear_recurrence(g, links, axis=axis, reverse=True)


@scan(
    samples=[
        sample(uniform(-2, 2, (5,)), uniform(-2, 2, (4,))),
        sample(uniform(-2, 2, (3, 4)), uniform(-2, 2, (2, 4)), axis=0, reverse=True),
        sample(uniform(-2, 2, (2, 3, 2)), uniform(-2, 2, (2, 2, 2)), axis=1),
    ]
)
def linear_recurrence(
    xp: Namespace, x: Array, links: Array, /, axis: int = -1, reverse: bool = False
) -> Array:
    """``y[i + 1] = x[i + 1] + links[i] * y[i]``, with ``y[0] = x[0]``.

    `links` is shorter than `x` by one: there is a link between each two neighbours. With
    `reverse` it runs from the end: ``y[i] = x[i] + links[i] * y[i + 1]``. The two directions are
    each other's adjoint.
    """
    return xp.linear_recurrence(x, links, axis=axis, reverse=reverse)


@linear_recurrence.vjp("x", saves=("links",))
def _(xp, g, out, x, links, *, axis, reverse):
    return xp.linear_recurrence(g, links, axis=axis, reverse=not reverse)


@linear_recurrence.vjp("links", saves=("out", "links"))
def _(xp, g, out, x, links, *, axis, reverse):
    g = xp.linear_recurrence(g, links, axis=axis, reverse=not reverse)
    first, second = _part(axis % x.ndim, ALL_BUT_LAST), _part(axis % x.ndim, ALL_BUT_FIRST)
    return g[first] * out[second] if reverse else g[second] * out[first]


# ---- stable logarithms of sums -----------------------------------------------------------


@scan(samples=ALONG_ONE)
def cumulative_logsumexp(xp: Namespace, x: Array, /, axis: int | None = None) -> Array:
    """``log(cumulative_sum(exp(x)))``; never overflows."""
    return xp.cumulative_logsumexp(x, axis=axis)


@cumulative_logsumexp.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis):
    # The sum over i >= j of g[i] exp(x[j] - out[i]), in steps of exp(out[i] - out[i+1]) <= 1.
    # Where nothing but -inf has come, the gradient is 0 (and -inf - -inf would be NaN); what comes
    # behind inf adds nothing to it.
    axis = _axis(x, axis)
    first, second = _part(axis, ALL_BUT_LAST), _part(axis, ALL_BUT_FIRST)
    total, infinite = xp.where(out == -math.inf, 0.0, out), xp.isinf(out)
    finite = xp.where(infinite, 0.0, out)
    steps = xp.exp(xp.where(infinite[first], -math.inf, finite[first] - total[second]))
    return xp.exp(x - total) * xp.linear_recurrence(g, steps, axis=axis, reverse=True)


# ---- records -----------------------------------------------------------------------------


@scan(samples=ALONG_ONE)
def cumulative_argmax(xp: Namespace, x: Array, /, axis: int | None = None) -> Array:
    """Number of the largest element up to each one, the first of equals."""
    return xp.cumulative_argmax(x, axis=axis)


@scan(samples=ALONG_ONE)
def cumulative_argmin(xp: Namespace, x: Array, /, axis: int | None = None) -> Array:
    """Number of the smallest element up to each one, the first of equals."""
    return xp.cumulative_argmin(x, axis=axis)


cumulative_argmax.no_gradient("x")
cumulative_argmin.no_gradient("x")


@scan(samples=ALONG_ONE)
def cumulative_max(xp: Namespace, x: Array, /, axis: int | None = None) -> Array:
    """Largest element up to each one; its first occurrence gets the gradient."""
    return xp.cumulative_max(x, axis=axis)


@cumulative_max.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis):
    return _to_records(xp, g, xp.cumulative_argmax(x, axis=axis), _axis(x, axis))


@scan(samples=ALONG_ONE)
def cumulative_min(xp: Namespace, x: Array, /, axis: int | None = None) -> Array:
    """Smallest element up to each one; its first occurrence gets the gradient."""
    return xp.cumulative_min(x, axis=axis)


@cumulative_min.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis):
    return _to_records(xp, g, xp.cumulative_argmin(x, axis=axis), _axis(x, axis))


def _to_records(xp: Namespace, g: Array, records: Array, axis: int) -> Array:
    """Each number of `g`, added to the place of its record."""
    places = xp.reshape(xp.places_along_axis(records, shape=g.shape, axis=axis), (-1,))
    flat = xp.reshape(g, (-1,))
    return xp.reshape(xp.add_at(flat, places, index=(SLOT,), shape=flat.shape), g.shape)


# ---- the way back ------------------------------------------------------------------------


@composite(
    samples=[
        sample(uniform(-3, 3, (5,))),
        sample(TABLE, axis=0),
        sample(TABLE, n=2),
        sample(TABLE, n=0),
    ]
)
def diff(xp: Namespace, x: Array, /, axis: int = -1, n: int = 1) -> Array:
    """Differences of neighbours along `axis`, taken `n` times."""
    axis, n = arguments.axis("diff", axis, x.ndim), arguments.count("diff", "n", n)
    first, second = _part(axis, ALL_BUT_LAST), _part(axis, ALL_BUT_FIRST)
    for _ in range(min(n, x.shape[axis])):  # then nothing is left
        x = x[second] != x[first] if x.dtype.kind == "b" else x[second] - x[first]
    return x


cumsum, cumprod, logcumsumexp = cumulative_sum, cumulative_prod, cumulative_logsumexp
