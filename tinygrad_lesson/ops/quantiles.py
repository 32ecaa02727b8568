"""Quantiles: the numbers below which a share of all elements lies, the median among them.

The gradient goes to the one or two elements that are read; of equal ones, to those that a stable
sort puts there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import ArgumentError, RangeError
from ..op import composite
from ..samples import sample, uniform
from .reduction import ALONG_AXES, REALS, Axis, floats, nonempty


def _rows(
    xp: Namespace, where: str, x: Array, axis: Axis
) -> tuple[Array, tuple[int, ...], tuple[int, ...]]:
    """`x` with `axis` made one last axis; the shapes without it, and with it kept."""
    axes = nonempty(where, x, axis)
    others = tuple(a for a in range(x.ndim) if a not in axes)
    shape = tuple(x.shape[a] for a in others)
    count = math.prod(x.shape[a] for a in axes)
    rows = xp.reshape(xp.permute_dims(x, (*others, *axes)), (*shape, count))
    kept = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    return rows, shape, kept


def _between(low: Array, high: Array, part: float) -> Array:
    """The number at `part` of the way, found from the nearer end so that it never falls."""
    if not part:
        return low
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


def _nan_if(xp: Namespace, rows: Array, found: Array) -> Array:
    """NaN for rows that have one."""
    if rows.dtype.kind != "f":
        return found
    return xp.where(xp.any(xp.isnan(rows), axis=-1), math.nan, found)


METHODS: dict[str, Callable[[float], float]] = {
    "linear": lambda position: position,
    "lower": math.floor,
    "higher": math.ceil,
    "nearest": round,  # halves to even
    "midpoint": lambda position: (math.floor(position) + math.ceil(position)) / 2,
}
"""The methods of :func:`quantile`: where to read, for a position between two numbers."""

WHOLE = ("lower", "higher", "nearest")
"""Those that only read elements, so that integers stay integers."""


def _quantile(
    xp: Namespace,
    where: str,
    x: Array,
    q: float | tuple[float, ...],
    highest: float,
    axis: Axis,
    keepdims: bool,
    method: str,
) -> Array:
    if method not in METHODS:
        raise RangeError(
            where, f"there is no method {arguments.shown(method)}", f"Use one of {[*METHODS]}."
        )
    several = isinstance(q, tuple | list)
    asked = tuple(q) if isinstance(q, tuple | list) else (q,)
    for value in asked:
        if not isinstance(value, Real):
            what = f"q={arguments.shown(value)} is no number but a {type(value).__name__}"
            raise ArgumentError(where, what, "Pass a Python number or a tuple of them.")
        if not 0 <= value <= highest:
            raise RangeError(where, f"q={value} is no share", f"Pass q from 0 to {highest}.")
    if method not in WHOLE or x.dtype.kind == "b":
        x = floats(xp, x)
    rows, shape, kept = _rows(xp, where, x, axis)
    last = rows.shape[-1] - 1
    positions = [METHODS[method](value / highest * last) for value in asked]
    ends = [(math.floor(position), math.ceil(position)) for position in positions]
    ranks = tuple(sorted({rank for pair in ends for rank in pair}))
    read = xp.ranked(rows, ranks=ranks)
    at = {rank: read[..., i] for i, rank in enumerate(ranks)}
    found = [
        _between(at[low], at[high], position - low)
        for position, (low, high) in zip(positions, ends, strict=True)
    ]
    shape = kept if keepdims else shape
    if several:
        return xp.reshape(_nan_if(xp, rows, xp.stack(found)), (len(asked), *shape))
    return xp.reshape(_nan_if(xp, rows, found[0]), shape)


@composite(
    samples=[
        sample(REALS, q=0.3),
        sample(REALS, q=(0.0, 0.6, 1.0), axis=0),
        sample(uniform(-3, 3, (2, 3, 2)), q=0.5, axis=(0, 2), keepdims=True, method="midpoint"),
        sample(REALS, q=0.3, axis=1, method="lower"),
        sample(REALS, q=0.3, axis=1, method="higher"),
        sample(REALS, q=0.3, axis=-1, method="nearest"),
    ]
)
def quantile(
    xp: Namespace,
    x: Array,
    /,
    q: float | tuple[float, ...],
    axis: Axis = None,
    keepdims: bool = False,
    method: str = "linear",
) -> Array:
    """The number below which the share `q` of the elements lies.

    Parameters
    ----------
    x
        Any shape; NaN among the elements makes the result NaN.
    q
        From 0 to 1. Several make a new first axis.
    axis, keepdims
        As for :func:`sum`.
    method
        How to read between two elements: ``"linear"``, ``"lower"``, ``"higher"``, ``"nearest"``
        or ``"midpoint"``.

    Notes
    -----
    The gradient goes to the one or two elements that are read; of equal ones, to those that a
    stable sort puts there.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.quantile(tl.Tensor([4.0, 1.0, 2.0]), (0.5, 0.75)).tolist()
    [2.0, 3.0]
    """
    return _quantile(xp, "quantile", x, q, 1, axis, keepdims, method)


@composite(samples=[sample(REALS, q=30), sample(REALS, q=(0, 62.5), axis=0, keepdims=True)])
def percentile(
    xp: Namespace,
    x: Array,
    /,
    q: float | tuple[float, ...],
    axis: Axis = None,
    keepdims: bool = False,
    method: str = "linear",
) -> Array:
    """:func:`quantile` with `q` in percent, from 0 to 100."""
    return _quantile(xp, "percentile", x, q, 100, axis, keepdims, method)


@composite(samples=[*ALONG_AXES, sample(uniform(-3, 3, (5,)))])
def median(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """The middle element, or the mean of the two middle ones; NaN if there is a NaN.

    Of equal elements, those that a stable sort puts into the middle get the gradient.
    """
    rows, shape, kept = _rows(xp, "median", floats(xp, x), axis)
    half = rows.shape[-1] // 2
    if rows.shape[-1] % 2:
        middle = xp.ranked(rows, ranks=(half,))[..., 0]
    else:  # half of each, because their sum may overflow
        middle = xp.sum(xp.ranked(rows, ranks=(half - 1, half)) / 2, axis=-1)
    return xp.reshape(_nan_if(xp, rows, middle), kept if keepdims else shape)
