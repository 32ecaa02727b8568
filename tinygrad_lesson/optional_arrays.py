"""Functions with arrays that may be left out, with the parameters of the standard and of NumPy.

An op takes its arrays by position, so that a gradient can reach each of them. These functions take
some by keyword, and hand them on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import arguments, ops
from .creation import zeros
from .errors import ShapeError
from .tensor import Tensor


def clip(x: Any, /, min: Any = None, max: Any = None) -> Tensor:
    """`x` no lower than `min` and no higher than `max`.

    Parameters
    ----------
    x
        Any shape.
    min, max
        Numbers, or arrays that broadcast with `x`; None is no bound. A bound that is a tensor
        gets the gradient where it takes the place of `x`, and half of it where both are equal.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.clip([1.0, 5.0, 9.0], min=tl.Tensor([2.0, 2.0, 2.0]), max=8).tolist()
    [2.0, 5.0, 8.0]
    """
    if all(bound is None or isinstance(bound, int | float) for bound in (min, max)):
        return ops.clip(x, min, max)
    x = x if min is None else ops.maximum(x, min)
    return x if max is None else ops.minimum(x, max)


def diff(x: Any, /, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along `axis`, taken `n` times.

    Parameters
    ----------
    x
        One axis at least.
    axis, n
        Along which axis, and how often; each time it becomes shorter by one.
    prepend, append
        What is first put before and after `x`: arrays that fit it but for the length along `axis`,
        or single numbers.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.diff([1, 4, 9]).tolist(), tl.diff([1, 4, 9], prepend=0).tolist()
    ([3, 5], [1, 3, 5])
    """
    if prepend is None and append is None:
        return ops.diff(x, axis=axis, n=n)
    x = x if isinstance(x, Tensor) else Tensor.coerce(x, ops.diff)
    axis = arguments.axis("diff", axis, x.ndim)
    one_slice = zeros(tuple(1 if a == axis else m for a, m in enumerate(x.shape)), dtype=x.dtype)

    pieces = [piece for piece in (prepend, x, append) if piece is not None]
    pieces = [one_slice + piece if np.ndim(piece) == 0 else piece for piece in pieces]
    try:
        x = ops.concat(*pieces, axis=axis)
    except ShapeError as error:
        raise ShapeError("diff", error.what, error.remedy) from error
    return ops.diff(x, axis=axis, n=n)


def searchsorted(x1: Any, x2: Any, /, side: str = "left", sorter: Any = None) -> Tensor:
    """Where each number of `x2` would go into `x1`, which is 1-D and sorted.

    Parameters
    ----------
    x1, x2
        The sorted numbers, and those to place; the result has the shape of `x2`.
    side
        On the ``"left"`` or on the ``"right"`` of numbers that are equal.
    sorter
        If `x1` is not sorted: the numbers of its elements in sorted order, as of :func:`argsort`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.searchsorted([1, 3, 5], [0, 3, 9]).tolist()
    [0, 1, 3]
    """
    return ops.searchsorted(x1 if sorter is None else ops.take(x1, sorter), x2, side=side)


def average(x: Any, /, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Tensor:
    """``sum(weights * x) / sum(weights)``; without weights, the mean.

    Parameters
    ----------
    x
        Any shape.
    axis, keepdims
        As for :func:`sum`.
    weights
        Of the shape of `x`, or 1-D and along the one `axis`. The result has a derivative with
        respect to them, too.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.average([1.0, 5.0], weights=[3.0, 1.0]).item()
    2.0
    """
    given = () if weights is None else (weights,)
    return ops.average(x, *given, axis=axis, keepdims=keepdims)


def trapezoid(y: Any, /, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """Area under a curve of straight lines between points.

    Parameters
    ----------
    y
        The heights of the points along `axis`.
    x
        Their places: of the shape of `y`, or 1-D. Without it they are `dx` apart.
    dx, axis
        See above.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.trapezoid([0.0, 2.0, 2.0], x=[0.0, 1.0, 3.0]).item()
    5.0
    """
    given = () if x is None else (x,)
    return ops.trapezoid(y, *given, dx=dx, axis=axis)
