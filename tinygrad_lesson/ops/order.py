"""Order: sorting along one axis, and searching.

Where numbers are equal, the one that comes first in `x` counts as the first: sorting is stable, and
the gradient goes to the places that it chose. NaN counts as larger than every number.
"""

from __future__ import annotations

from typing import NamedTuple

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import RangeError, ShapeError
from ..op import composite, indexing
from ..samples import booleans, integers, sample, uniform

TABLE = uniform(-3, 3, (3, 4))
SORTS = [
    sample(uniform(-3, 3, (5,))),
    sample(TABLE, axis=0, descending=True),
    sample(uniform(-3, 3, (2, 3, 2)), axis=1, stable=False),
]

# ---- sorting -----------------------------------------------------------------------------


@indexing(samples=SORTS)
def sort(
    xp: Namespace, x: Array, /, axis: int = -1, descending: bool = False, stable: bool = True
) -> Array:
    """A copy sorted along `axis`.

    The gradient of equal numbers is the same whether they are sorted stably or not.
    """
    return xp.sort(x, axis=axis, descending=descending, stable=stable)


@sort.vjp("x", saves=("x",))
def _(xp, g, out, x, *, axis, descending, stable):
    places = xp.argsort(x, axis=axis, descending=descending)
    return xp.take_along_axis(g, xp.argsort(places, axis=axis, stable=False), axis=axis)


@indexing(samples=SORTS)
def argsort(
    xp: Namespace, x: Array, /, axis: int = -1, descending: bool = False, stable: bool = True
) -> Array:
    """Numbers of the elements in sorted order; if `stable`, equal ones keep their order."""
    return xp.argsort(x, axis=axis, descending=descending, stable=stable)


@indexing(samples=[sample(uniform(-3, 3, (9,)), k=1), sample(TABLE, k=2, axis=0, largest=False)])
def argtopk(
    xp: Namespace, x: Array, /, k: int, axis: int = -1, largest: bool = True, sorted: bool = True
) -> Array:
    """Numbers of the `k` largest (or smallest) elements, in order unless `sorted` is false."""
    return xp.argtopk(x, k=k, axis=axis, largest=largest, sorted=sorted)


@indexing(samples=[sample(TABLE, ranks=(1,)), sample(uniform(-3, 3, (2, 3, 5)), ranks=(0, 3))])
def ranked(xp: Namespace, x: Array, /, ranks: tuple[int, ...]) -> Array:
    """Of each row, the elements that :func:`sort` would put at the places `ranks`.

    Unlike `sort` it needs no order for its gradient, and is faster for that.
    """
    return xp.ranked(x, ranks=ranks)


@ranked.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, ranks):
    total = xp.zeros_like(x)
    for i, rank in enumerate(ranks):
        value, slope = out[..., i : i + 1], g[..., i : i + 1]
        equal = x == value
        number = xp.cumulative_sum(equal, axis=-1) + xp.count_nonzero(
            x < value, axis=-1, keepdims=True
        )  # the place, counted from 1, at which a stable sort puts each of the equal ones
        total = total + xp.where(equal & (number == rank + 1), slope, 0.0)
    return total


argsort.no_gradient("x")
argtopk.no_gradient("x")


class Ordered(NamedTuple):
    """Elements of an array, and their numbers along the axis."""

    values: Array
    indices: Array


@composite(samples=SORTS)
def sort_with_indices(
    xp: Namespace, x: Array, /, axis: int = -1, descending: bool = False, stable: bool = True
) -> Ordered:
    """Both :func:`sort` and :func:`argsort`: a tuple ``(values, indices)``."""
    axis = arguments.axis("sort_with_indices", axis, x.ndim)
    indices = xp.argsort(x, axis=axis, descending=descending, stable=stable)
    return Ordered(xp.take_along_axis(x, indices, axis=axis), indices)


def _rank(where: str, x: Array, k: int, axis: int, least: int) -> int:
    """`k`, which counts elements along `axis`."""
    k = arguments.integer(where, "k", k)
    if not least <= k <= x.shape[axis]:
        raise RangeError(
            where,
            f"k={k} of the {x.shape[axis]} elements along axis {axis} of shape {x.shape}",
            f"Pass a k from {least} to {x.shape[axis]}."
            if x.shape[axis] >= least
            else "There is nothing to choose from; check the shape.",
        )
    return k


@composite(
    samples=[
        sample(uniform(-3, 3, (9,)), k=1),
        sample(TABLE, k=2, axis=0, largest=False),
        sample(TABLE, k=3),
    ]
)
def topk(
    xp: Namespace, x: Array, /, k: int, axis: int = -1, largest: bool = True, sorted: bool = True
) -> Ordered:
    """The `k` largest (or smallest) elements along `axis`: a tuple ``(values, indices)``.

    Without `sorted`, their order is left open.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> values, indices = tl.topk(tl.Tensor([3, 9, 2, 9]), k=2)
    >>> values.tolist(), indices.tolist()
    ([9, 9], [1, 3])
    """
    axis = arguments.axis("topk", axis, x.ndim)
    k = _rank("topk", x, k, axis, least=0)
    indices = xp.argtopk(x, k=k, axis=axis, largest=largest, sorted=sorted)
    return Ordered(xp.take_along_axis(x, indices, axis=axis), indices)


@composite(samples=[sample(TABLE, k=2), sample(TABLE, k=3, axis=0, keepdims=True)])
def kthvalue(xp: Namespace, x: Array, /, k: int, axis: int = -1, keepdims: bool = False) -> Ordered:
    """The `k`-th smallest element along `axis`, counted from 1: a tuple ``(values, indices)``."""
    axis = arguments.axis("kthvalue", axis, x.ndim)
    k = _rank("kthvalue", x, k, axis, least=1)
    smallest = xp.argtopk(x, k=k, axis=axis, largest=False)
    indices = smallest[(*(slice(None),) * axis, slice(k - 1, k))]
    values = xp.take_along_axis(x, indices, axis=axis)
    if keepdims:
        return Ordered(values, indices)
    return Ordered(xp.squeeze(values, axis=axis), xp.squeeze(indices, axis=axis))


# ---- searching ---------------------------------------------------------------------------


@indexing(samples=[sample(uniform(-3, 3, (1,)), uniform(-3, 3, (2, 3))),
                   sample(integers(1, 2, (4,)), integers(0, 3, (5,)), side="right")])  # fmt: skip
def searchsorted(xp: Namespace, x1: Array, x2: Array, /, side: str = "left") -> Array:
    """Where each number of `x2` would go into `x1`, which is 1-D and sorted.

    On the ``"left"`` or on the ``"right"`` of numbers that are equal to it.
    """
    return xp.searchsorted(x1, x2, side=side)


searchsorted.no_gradient("x1", "x2")


@indexing(samples=[sample(booleans((3, 4))), sample(integers(0, 2, (5,))), sample(booleans())])
def argwhere(xp: Namespace, x: Array, /) -> Array:
    """Indices of the elements that are not zero, one in each row."""
    return xp.argwhere(x)


argwhere.no_gradient("x")


@composite(samples=[sample(booleans((3, 4))), sample(integers(0, 2, (5,)))])
def nonzero(xp: Namespace, x: Array, /) -> tuple[Array, ...]:
    """Indices of the elements that are not zero: a tuple with an array for each axis.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> rows, columns = tl.nonzero(tl.Tensor([[0, 7], [8, 9]]))
    >>> rows.tolist(), columns.tolist()
    ([0, 1, 1], [1, 0, 1])
    """
    if x.ndim == 0:
        raise ShapeError("nonzero", "a single number has no axes", "Use x != 0.")
    places = xp.argwhere(x)
    return tuple(places[:, axis] for axis in range(x.ndim))


nonzero.no_gradient("x")
