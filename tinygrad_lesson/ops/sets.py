"""Sets: the different elements of an array, with their places and how often they occur.

NaN is unlike every number and itself, as the standard has it: each one stays. The values are
ascending, and a gradient goes to the first element of each value.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..arrays import Array, Namespace
from ..op import composite, indexing
from ..samples import integers, sample, uniform

SAMPLES = [sample(uniform(-3, 3, (3, 4))), sample(uniform(-3, 3))]


class UniqueAllResult(NamedTuple):
    """What :func:`unique_all` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCountsResult(NamedTuple):
    """What :func:`unique_counts` returns."""

    values: Array
    counts: Array


class UniqueInverseResult(NamedTuple):
    """What :func:`unique_inverse` returns."""

    values: Array
    inverse_indices: Array


@indexing(samples=[*SAMPLES, sample(integers(0, 5, (2, 6)))])
def unique_places(xp: Namespace, x: Array, /) -> Array:
    """Where the different elements are, as one array of three parts.

    The number of the first element of each value, the count of each value, and for every
    element the number of its value: k, k and n integers for k values of n elements.
    """
    return xp.unique_places(x)


unique_places.no_gradient("x")


@indexing(
    samples=[
        sample(integers(0, 5, (2, 3)), integers(0, 5, (4,))),
        sample(integers(0, 5, (2, 3)), integers(0, 5, (4,)), invert=True),
        sample(uniform(-3, 3, (3,)), uniform(-3, 3, (2, 2))),
    ]
)
def isin(xp: Namespace, x1: Array, x2: Array, /, invert: bool = False) -> Array:
    """Whether each element of `x1` is in `x2`, or is not if `invert` is set.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.isin([1, 2, 3], [3, 1]).tolist()
    [True, False, True]
    """
    return xp.isin(x1, x2, invert=invert)


isin.no_gradient("x1", "x2")


def _unique(xp: Namespace, x: Array) -> UniqueAllResult:
    size = math.prod(x.shape)
    places = xp.unique_places(x)
    k = (places.shape[0] - size) // 2
    values = xp.take(xp.reshape(x, (size,)), places[:k], axis=0)
    inverse = xp.reshape(places[2 * k :], x.shape)
    return UniqueAllResult(values, places[:k], inverse, places[k : 2 * k])


@composite(samples=SAMPLES)
def unique_all(xp: Namespace, x: Array, /) -> UniqueAllResult:
    """Different elements, their first places in the flattened `x`, the way back, and counts.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> found = tl.unique_all([[5, 3], [3, 3]])
    >>> found.values.tolist(), found.indices.tolist(), found.counts.tolist()
    ([3, 5], [1, 0], [3, 1])
    >>> found.values[found.inverse_indices].tolist()
    [[5, 3], [3, 3]]
    """
    return _unique(xp, x)


@composite(samples=SAMPLES)
def unique_counts(xp: Namespace, x: Array, /) -> UniqueCountsResult:
    """The different elements, and how often each one occurs."""
    found = _unique(xp, x)
    return UniqueCountsResult(found.values, found.counts)


@composite(samples=SAMPLES)
def unique_inverse(xp: Namespace, x: Array, /) -> UniqueInverseResult:
    """The different elements, and for every element of `x` the number of its value."""
    found = _unique(xp, x)
    return UniqueInverseResult(found.values, found.inverse_indices)


@composite(samples=SAMPLES)
def unique_values(xp: Namespace, x: Array, /) -> Array:
    """The different elements."""
    return _unique(xp, x).values
