"""Products over any axes of arrays, and of chains of matrices, as products of two matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ..arguments import count, integer
from ..arrays import Array, Namespace
from ..errors import ArgumentError, AxisError, ShapeError
from ..op import composite
from ..samples import Domain, sample, uniform


def _block(*shape: int) -> Domain:
    return uniform(-2, 2, shape)


Axes = int | tuple[Sequence[int], Sequence[int]]


@composite(
    samples=[
        sample(_block(2, 3, 2), _block(3, 2, 4)),
        sample(_block(3, 4), _block(4, 2), axes=1),
        sample(_block(2), _block(3), axes=0),
        sample(_block(2, 3, 4), _block(4, 2, 2), axes=((0, -1), (1, 0))),
    ]
)
def tensordot(xp: Namespace, x1: Array, x2: Array, /, axes: Axes = 2) -> Array:
    """Sum of products over pairs of axes; the result has the others, first those of `x1`.

    Parameters
    ----------
    x1, x2
        Arrays of any number of axes.
    axes
        Axes of `x1`, and as many of `x2` that run together with them; or a number n: the last n
        axes of `x1` and the first n of `x2`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.tensordot(tl.ones(2, 3, 4), tl.ones(3, 4, 5)).shape
    (2, 5)
    >>> tl.tensordot(tl.ones(2, 3, 4), tl.ones(3, 5), axes=(1, 0)).shape
    (2, 4, 5)
    """
    return _over_axes(xp, "tensordot", x1, x2, *_pairs(x1, x2, axes))


@composite(samples=[sample(_block(2, 4), _block(3, 4)), sample(_block(3), _block(3))])
def inner(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Sum of products over the last axis of each; of a single number, all products."""
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return _over_axes(xp, "inner", x, y, [-1], [-1])


@composite(
    samples=[
        sample(_block(3, 4), _block(4, 2)),
        sample(_block(4), _block(4)),
        sample(_block(3, 4), _block(4)),
        sample(_block(2, 3), _block(2, 3, 2)),
        sample(_block(2, 3), _block()),
    ]
)
def dot(xp: Namespace, x: Array, y: Array, /) -> Array:
    """NumPy's product: the last axis of `x` with the second last, or only one, of `y`.

    The same as ``x @ y`` for vectors and matrices. With more axes all matrices of `x` meet all of
    `y`, where :func:`matmul` pairs them. A single number multiplies.
    """
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return _over_axes(xp, "dot", x, y, [-1], [max(y.ndim - 2, 0)])


def _pairs(x1, x2, axes):
    """The axes of each to sum over, as two lists."""
    if not isinstance(axes, tuple | list):
        n = count("tensordot", "axes", axes)
        if n > min(x1.ndim, x2.ndim):
            raise AxisError(
                "tensordot",
                f"shapes {x1.shape} and {x2.shape} have not axes={n} axes to sum over",
                "Pass a smaller number, as in axes=1.",
            )
        return list(range(x1.ndim - n, x1.ndim)), list(range(n))
    if len(axes) != 2:
        raise ArgumentError(
            "tensordot", f"axes={axes!r} is no pair", "Pass axes=(axes of x1, axes of x2)."
        )
    first, second = (list(a) if isinstance(a, tuple | list) else [a] for a in axes)
    if len(first) != len(second):
        raise ArgumentError(
            "tensordot", f"axes={axes!r} are not as many for each", "Axes go in pairs."
        )
    return first, second


def _over_axes(xp, where, x, y, first, second):
    """Sum of products over the axes `first` of x and `second` of y, as one product of matrices."""
    first, second = _existing(where, x, first), _existing(where, y, second)
    summed = [x.shape[a] for a in first]
    if summed != [y.shape[a] for a in second]:
        raise ShapeError(
            where,
            f"shapes {x.shape} and {y.shape} differ in length along axes {first} and {second}",
            "Axes that are summed over together have the same length.",
        )
    rows = [a for a in range(x.ndim) if a not in first]
    columns = [a for a in range(y.ndim) if a not in second]
    shape = (*(x.shape[a] for a in rows), *(y.shape[a] for a in columns))
    length = math.prod(summed)
    x = _joined(xp, x, [*rows, *first], (math.prod(x.shape[a] for a in rows), length))
    y = _joined(xp, y, [*second, *columns], (length, math.prod(y.shape[a] for a in columns)))
    product = xp.matmul(x, y)
    return product if product.shape == shape else xp.reshape(product, shape)


def _existing(where, x, axes):
    """The axes counted from the front, if `x` has each of them, once."""
    axes = [integer(where, "axis", a) for a in axes]
    for a in axes:
        if not -x.ndim <= a < x.ndim:
            raise AxisError(
                where,
                f"axis {a} does not exist in shape {x.shape}",
                f"Use axes from {-x.ndim} to {x.ndim - 1}.",
            )
    front = [a % x.ndim for a in axes]
    if len(set(front)) < len(front):
        raise AxisError(where, f"axes {axes} name one axis twice", "Name each axis once.")
    return front


def _joined(xp, x, order, shape):
    """`x` with its axes in another order, and joined into a matrix."""
    x = x if order == sorted(order) else xp.permute_dims(x, tuple(order))
    return x if x.shape == shape else xp.reshape(x, shape)


@composite(
    samples=[
        sample(_block(2, 3), _block(2, 2)),
        sample(_block(2), _block(3, 2)),
        sample(_block(2, 1, 2), _block(3)),
    ]
)
def kron(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Kronecker product: a block matrix, with ``x[i, j] * y`` as block (i, j).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.kron(tl.Tensor([1, 10]), tl.Tensor([[1, 2], [3, 4]]))
    Tensor([[ 1,  2, 10, 20],
            [ 3,  4, 30, 40]], dtype=int64)
    """
    ndim = max(x.ndim, y.ndim)
    blocks = (1,) * (ndim - x.ndim) + x.shape
    inside = (1,) * (ndim - y.ndim) + y.shape
    x = xp.reshape(x, tuple(n for length in blocks for n in (length, 1)))
    y = xp.reshape(y, tuple(n for length in inside for n in (1, length)))
    return xp.reshape(x * y, tuple(m * n for m, n in zip(blocks, inside, strict=True)))


@composite(
    samples=[
        sample(_block(2, 4), _block(4, 1), _block(1, 3)),
        sample(_block(4), _block(4, 2), _block(2, 3), _block(3)),
    ]
)
def multi_dot(xp: Namespace, *arrays: Array) -> Array:
    """Product of a chain of matrices, multiplied in the order that takes the least work.

    The first may be a vector (a row) and so may the last (a column). The best order is found by
    dynamic programming: Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms" (2009),
    section 15.2.
    """
    if len(arrays) < 2:
        raise ArgumentError("multi_dot", "there is only one array", "Pass two or more.")
    ends = (arrays[0], arrays[-1])
    shapes = [a.shape for a in arrays]
    if any(a.ndim != 2 for a in arrays[1:-1]) or any(a.ndim not in (1, 2) for a in ends):
        raise ShapeError(
            "multi_dot", f"shapes {shapes} are not all matrices", "Only the ends may be vectors."
        )
    if any(m[-1] != n[0] for m, n in pairwise(shapes)):
        raise ShapeError(
            "multi_dot",
            f"shapes {shapes} are no chain",
            "Each has as many columns as the next has rows.",
        )
    lengths = [shapes[0][0] if ends[0].ndim == 2 else 1, *(s[0] for s in shapes[1:])]
    lengths.append(shapes[-1][1] if ends[1].ndim == 2 else 1)
    return _chain(xp, arrays, _splits(lengths), 0, len(arrays) - 1)


def _splits(lengths: list[int]) -> dict[tuple[int, int], int]:
    """For matrices i to j of a chain, the last of those to be multiplied before the others."""
    number = len(lengths) - 1
    work: dict[tuple[int, int], int] = {(i, i): 0 for i in range(number)}
    best: dict[tuple[int, int], int] = {}
    for span in range(1, number):
        for i in range(number - span):
            j = i + span
            costs = {
                k: work[i, k] + work[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1]
                for k in range(i, j)
            }
            best[i, j] = min(costs, key=lambda k: costs[k])
            work[i, j] = costs[best[i, j]]
    return best


def _chain(xp: Namespace, arrays: Any, splits: dict[tuple[int, int], int], i: int, j: int) -> Array:
    if i == j:
        return arrays[i]
    k = splits[i, j]
    return xp.matmul(_chain(xp, arrays, splits, i, k), _chain(xp, arrays, splits, k + 1, j))
