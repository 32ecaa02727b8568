"""Scattering: values written, added or otherwise combined at places given by number.

All of these give a new array: where PyTorch has ``x.scatter_(...)``, write ``x = scatter(x, ...)``.
"""

from __future__ import annotations

import math

from .. import arguments
from ..arrays import SLOT, Array, Namespace
from ..dtypes import result_type
from ..errors import ArgumentError, DTypeError, ShapeError
from ..op import composite, indexing
from ..samples import integers, sample, uniform
from .indexing import _check_reach

TABLE = uniform(-3, 3, (4, 3))
ROWS = uniform(-3, 3, (2, 3))
ALONG = [
    sample(TABLE, integers(0, 4, (2, 3)), ROWS, axis=0),
    sample(TABLE, integers(0, 3, (3, 2)), uniform(-3, 3, (4, 3)), axis=1),
]

# ---- along an axis: x[indices[i, j], j] = src[i, j] ----------------------------------------


@indexing(samples=[sample(integers(-4, 4, (2, 3)), shape=(4, 3), axis=0)])
def places_along_axis(
    xp: Namespace, indices: Array, /, shape: tuple[int, ...], axis: int = -1
) -> Array:
    """The number, in reading order, of the element of an array of `shape` that each index names.

    They are the elements that :func:`take_along_axis` would take.
    """
    return xp.places_along_axis(indices, shape, axis)


def _flat(xp, where, x, indices, src, axis):
    """`x` and the used part of `src` as vectors, and the places in the first for the second."""
    axis = arguments.axis(where, axis, len(x.shape))
    _check_reach(where, indices, x, axis)
    if not src.shape:
        src = xp.broadcast_to(src, indices.shape)
    if len(src.shape) != len(x.shape) or any(
        n > m for n, m in zip(indices.shape, src.shape, strict=True)
    ):
        raise ShapeError(
            where,
            f"src of shape {src.shape} is shorter than the indices, of shape {indices.shape}",
            "There must be a value for each index.",
        )
    used = xp.reshape(src[tuple(slice(n) for n in indices.shape)], (-1,))
    places = xp.reshape(xp.places_along_axis(indices, x.shape, axis), (-1,))
    return xp.reshape(x, (-1,)), used, places


def _promoted(xp, x, src):
    """Both in their common dtype: sums in that of `src` might wrap around, or lose digits."""
    dtype = result_type(x, src)
    return tuple(array if array.dtype == dtype else xp.astype(array, dtype) for array in (x, src))


def _sum(xp, values, places, length):
    return xp.add_at(values, places, index=(SLOT,), shape=(length,))


@composite(samples=ALONG)
def scatter(xp: Namespace, x: Array, indices: Array, src: Array, /, axis: int) -> Array:
    """A copy of `x` into which values are written at `indices` along `axis`.

    For a matrix and ``axis=0``, ``out[indices[i, j], j] = src[i, j]``. Where indices repeat, the
    last value stays, and the gradient goes to that one alone.

    Parameters
    ----------
    x
        At least one axis.
    indices
        Integers, with as many axes as `x`, and beside `axis` not longer.
    src
        The values, at least as long as `indices` in each axis (those beyond are not used), or one
        for all.
    axis
        The axis along which the indices count.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.scatter(tl.zeros(2, 3), [[0, 1, 0]], tl.Tensor([[1.0, 2.0, 3.0]]), axis=0)
    Tensor([[1., 0., 3.],
            [0., 2., 0.]], dtype=float32)
    """
    flat, used, places = _flat(xp, "scatter", x, indices, src, axis)
    return xp.reshape(xp.setitem(flat, used, places, index=(SLOT,)), x.shape)


@composite(samples=ALONG)
def scatter_add(xp: Namespace, x: Array, indices: Array, src: Array, /, axis: int) -> Array:
    """A copy of `x` to which values are added at `indices` along `axis`, repeated ones every time.

    The shapes are those of :func:`scatter`. It is the adjoint of :func:`gather`:
    ``sum(gather(x, i, axis) * v) == sum(x * scatter_add(zeros_like(x), i, v, axis))``.
    """
    x, src = _promoted(xp, x, src)
    flat, used, places = _flat(xp, "scatter_add", x, indices, src, axis)
    return xp.reshape(flat + _sum(xp, used, places, flat.shape[0]), x.shape)


# Far enough from one another that no two are equal extremes.
CENTRE, AROUND = (1.53, 1.57), (0.3, 3.0)
VECTOR, FIVE = uniform(*CENTRE, (4,)), uniform(*AROUND, (5,), avoid=(1.55,))
TWELVE = uniform(*CENTRE, (4, 3)), uniform(*AROUND, (4, 3), avoid=(1.55,))

NEUTRAL = {"sum": 0, "mean": 0, "prod": 1, "amax": -math.inf, "amin": math.inf}


@composite(
    samples=[
        sample(TWELVE[0], indices, TWELVE[1], axis=axis, reduce=reduce, include_self=axis == 0)
        for reduce in NEUTRAL
        for axis, indices in enumerate((integers(0, 4, (3, 3)), integers(0, 3, (4, 2))))
    ]
)
def scatter_reduce(
    xp: Namespace,
    x: Array,
    indices: Array,
    src: Array,
    /,
    axis: int,
    reduce: str = "sum",
    include_self: bool = True,
) -> Array:
    """A copy of `x` in which elements are combined with the values that `indices` send there.

    Parameters
    ----------
    x, indices, src, axis
        As in :func:`scatter`.
    reduce
        ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
    include_self
        Whether the element of `x` counts among the values; if not, it stays only where no value
        arrives. Integers always count it, and have no mean.

    Notes
    -----
    Equal extremes share the gradient evenly. The gradient of a product is right at zeros, too; its
    second derivative is right where no factor is zero.
    """
    where = "scatter_reduce"
    if reduce not in NEUTRAL:
        raise ArgumentError(where, f"reduce={reduce!r} is unknown", f"Use one of {(*NEUTRAL,)}.")
    x, src = _promoted(xp, x, src)
    if x.dtype.kind != "f" and (reduce == "mean" or not include_self):
        raise DTypeError(
            where,
            f"reduce={reduce!r} of {x.dtype}{'' if include_self else ' with include_self=False'}",
            "Convert it: x.astype(tl.float32).",
        )
    flat, values, places = _flat(xp, where, x, indices, src, axis)
    start = flat
    if not include_self:
        start = xp.setitem(flat, NEUTRAL[reduce], places, index=(SLOT,))
    if reduce in ("sum", "mean"):
        out = start + _sum(xp, values, places, flat.shape[0])
    else:
        out = xp.reduce_at(start, values, places, reduce=reduce)
    if reduce == "mean":
        count = _sum(xp, xp.ones_like(values), places, flat.shape[0])
        out = out / (count + 1 if include_self else count + (count == 0))
    return xp.reshape(out, x.shape)


@indexing(
    samples=[
        sample(VECTOR, FIVE, integers(0, 4, (5,)), reduce=reduce)
        for reduce in ("prod", "amax", "amin")
    ]
)
def reduce_at(
    xp: Namespace, x: Array, values: Array, indices: Array, /, reduce: str = "prod"
) -> Array:
    """A copy of the vector `x` in which each element is combined with the values sent there.

    What :func:`scatter_reduce` is made of; `indices` are the places of the values.
    """
    return xp.reduce_at(x, values, indices, reduce)


def _product_of_others(xp, out, x, values, indices):
    """For each element of `x`, and for each value, the product of all that meet it."""
    n = out.shape[0]
    # Where a factor is zero one cannot divide by it: leave the zeros out and count them.
    ours, theirs = x == 0, values == 0
    zeros = xp.astype(ours, out.dtype) + _sum(xp, xp.astype(theirs, out.dtype), indices, n)
    rest = xp.reduce_at(xp.where(ours, 1.0, x), xp.where(theirs, 1.0, values), indices)
    for_zero, for_other = xp.where(zeros == 1, rest, 0.0), xp.where(zeros == 0, rest, 0.0)
    at = xp.take(for_zero, indices, axis=0), xp.take(for_other, indices, axis=0)
    return (
        xp.where(ours, for_zero, for_other / xp.where(ours, 1.0, x)),
        xp.where(theirs, at[0], at[1] / xp.where(theirs, 1.0, values)),
    )


def _share_of_extreme(xp, g, out, x, values, indices):
    """The gradient for each element of `x`, and for each value: equal extremes share it."""
    ours, theirs = x == out, values == xp.take(out, indices, axis=0)
    ties = xp.astype(ours, g.dtype) + _sum(xp, xp.astype(theirs, g.dtype), indices, out.shape[0])
    share = g / (ties + (ties == 0))  # NaN equals nothing
    return xp.where(ours, share, 0.0), xp.where(theirs, xp.take(share, indices, axis=0), 0.0)


@reduce_at.vjp("x", saves=("out", "x", "values", "indices"))
def _(xp, g, out, x, values, indices, *, reduce):
    if reduce == "prod":
        return g * _product_of_others(xp, out, x, values, indices)[0]
    return _share_of_extreme(xp, g, out, x, values, indices)[0]


@reduce_at.vjp("values", saves=("out", "x", "values", "indices"))
def _(xp, g, out, x, values, indices, *, reduce):
    if reduce == "prod":
        others = _product_of_others(xp, out, x, values, indices)[1]
        return xp.take(g, indices, axis=0) * others
    return _share_of_extreme(xp, g, out, x, values, indices)[1]


places_along_axis.no_gradient("indices")
reduce_at.no_gradient("indices")


# ---- whole slices, and elements by several indices -----------------------------------------


def _skeleton(where, x, indices, axis):
    axis = arguments.axis(where, axis, len(x.shape))
    if len(indices.shape) != 1:
        raise ShapeError(
            where, f"indices of shape {indices.shape} are no vector", "Pass a vector of integers."
        )
    return (slice(None),) * axis + (SLOT,)


SLICES = [
    sample(TABLE, integers(0, 4, (5,)), uniform(-3, 3, (5, 3)), axis=0),
    sample(TABLE, integers(0, 3, (2,)), uniform(-3, 3, (4, 2)), axis=-1),
]


@composite(samples=[*SLICES, sample(*SLICES[0].inputs, axis=0, alpha=-2.0)])
def index_add(
    xp: Namespace, x: Array, indices: Array, src: Array, /, axis: int, alpha: float = 1
) -> Array:
    """A copy of `x` to whose slices along `axis` those of `src`, times `alpha`, are added.

    Slice i is added to the one with the number ``indices[i]``, repeated ones every time.
    """
    index = _skeleton("index_add", x, indices, axis)
    x, src = _promoted(xp, x, src)
    scaled = src if alpha == 1 else alpha * src
    return x + xp.add_at(scaled, indices, index=index, shape=x.shape)


@composite(samples=SLICES)
def index_copy(xp: Namespace, x: Array, indices: Array, src: Array, /, axis: int) -> Array:
    """A copy of `x` whose slices `indices` along `axis` are those of `src`.

    Where indices repeat, the last slice stays, and the gradient goes to that one alone.
    """
    return xp.setitem(x, src, indices, index=_skeleton("index_copy", x, indices, axis))


@composite(
    samples=[
        sample(TABLE, uniform(-3, 3, (1,)), integers(0, 4, (1,)), integers(0, 3, (1,))),
        sample(TABLE, uniform(-3, 3, (5, 3)), integers(-4, 4, (5,)), accumulate=True),
        sample(TABLE, uniform(-3, 3), integers(0, 4, (5,)), accumulate=True),
    ]
)
def index_put(
    xp: Namespace, x: Array, values: Array, /, *indices: Array, accumulate: bool = False
) -> Array:
    """A copy of `x` with ``x[indices] = values``, or with `accumulate` ``x[indices] += values``.

    Accumulated, repeated indices add every time; written, the last value stays.
    """
    if not all(i.dtype.kind in "iu" for i in indices):
        raise DTypeError(
            "index_put", "the indices are not integers", "With a mask, write x[mask] = values."
        )
    index = (SLOT,) * len(indices)
    if not accumulate:
        return xp.setitem(x, values, *indices, index=index)
    x, values = _promoted(xp, x, values)
    return x + xp.add_at(values, *indices, index=index, shape=x.shape)
