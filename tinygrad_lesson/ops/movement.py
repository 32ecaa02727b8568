"""Movement: the same numbers in another shape or dtype, or with their axes in another order."""

from __future__ import annotations

import math
from typing import Any

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import ArgumentError, AxisError, RangeError, ShapeError
from ..op import composite, movement
from ..samples import sample, uniform

REALS = uniform(-3, 3, (3, 4))
BLOCK = uniform(-3, 3, (2, 3, 4))
VECTOR = uniform(-3, 3, (3,))

# ---- shapes --------------------------------------------------------------------------------


@movement(samples=[sample(REALS, shape=(2, 6)), sample(REALS, shape=(-1,))])
def reshape(
    xp: Namespace, x: Array, /, shape: int | tuple[int, ...], copy: bool | None = None
) -> Array:
    """The same numbers, in order, in another shape; one length may be -1.

    Tensors are values, so that `copy` changes nothing but this: False refuses a shape that the
    layout in memory has only as a copy.
    """
    return xp.reshape(x, shape, copy)


@composite(samples=[sample(BLOCK), sample(BLOCK, start_axis=1), sample(BLOCK, end_axis=1)])
def flatten(xp: Namespace, x: Array, /, start_axis: int = 0, end_axis: int = -1) -> Array:
    """Axes from `start_axis` to `end_axis`, both included, joined into one."""
    ndim = max(len(x.shape), 1)
    start = arguments.axis("flatten", start_axis, ndim, "start_axis")
    end = arguments.axis("flatten", end_axis, ndim, "end_axis")
    if start > end:
        raise RangeError(
            "flatten", f"start_axis={start_axis} comes after end_axis={end_axis}", "Exchange them."
        )
    joined = math.prod(x.shape[start : end + 1])
    return xp.reshape(x, (*x.shape[:start], joined, *x.shape[end + 1 :]))


@composite(samples=[sample(BLOCK), sample(uniform(-3, 3))])
def ravel(xp: Namespace, x: Array, /) -> Array:
    """All numbers in reading order along one axis."""
    return xp.reshape(x, (math.prod(x.shape),))


@composite(samples=[sample(REALS, axis=1, shape=(2, 2)), sample(BLOCK, axis=-1, shape=(-1, 2))])
def unflatten(xp: Namespace, x: Array, /, axis: int, shape: tuple[int, ...]) -> Array:
    """Axis `axis` split into axes of the lengths `shape`, one of which may be -1.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.unflatten(tl.zeros(8, 6), axis=1, shape=(2, 3)).shape
    (8, 2, 3)
    """
    axis = arguments.axis("unflatten", axis, len(x.shape))
    shape = shape if isinstance(shape, tuple | list) else (shape,)
    known = math.prod(n for n in shape if n != -1)
    missing = x.shape[axis] // known if known else 0
    lengths = tuple(missing if n == -1 else n for n in shape)
    if shape.count(-1) > 1 or math.prod(lengths) != x.shape[axis]:
        raise ShapeError(
            "unflatten",
            f"axis {axis} of shape {x.shape} has length {x.shape[axis]}, not that of {shape}",
            "The product of the new lengths must be the old one; one of them may be -1.",
        )
    return xp.reshape(x, (*x.shape[:axis], *lengths, *x.shape[axis + 1 :]))


@movement(samples=[sample(REALS), sample(REALS, axis=-1), sample(REALS, axis=(0, 2))])
def expand_dims(xp: Namespace, x: Array, /, axis: int | tuple[int, ...] = 0) -> Array:
    """A new axis of length 1 at `axis`."""
    return xp.expand_dims(x, axis)


@movement(samples=[sample(uniform(-3, 3, (3, 1)), axis=1), sample(uniform(-3, 3, (1, 3, 1)))])
def squeeze(xp: Namespace, x: Array, /, axis: int | tuple[int, ...] | None = None) -> Array:
    """Axes of length 1 removed: those given, or all."""
    return xp.squeeze(x, axis)


for _op in (reshape, expand_dims, squeeze):

    @_op.vjp("x")
    def _(xp, g, out, x, **params):
        return xp.reshape(g, x.shape)


def _of_rank(xp, x, rank):
    """`x` with at least `rank` axes; NumPy puts the new ones of three on either side."""
    shape = x.shape
    if rank == 3 and len(shape) in (1, 2):
        return xp.reshape(x, (*(1, *shape)[-2:], 1))
    return x if len(shape) >= rank else xp.reshape(x, (1,) * (rank - len(shape)) + shape)


@composite(samples=[sample(uniform(-3, 3)), sample(VECTOR)])
def atleast_1d(xp: Namespace, x: Array, /) -> Array:
    """`x`, a single number as a vector."""
    return _of_rank(xp, x, 1)


@composite(samples=[sample(uniform(-3, 3)), sample(VECTOR), sample(BLOCK)])
def atleast_2d(xp: Namespace, x: Array, /) -> Array:
    """`x`, a vector as the one row of a matrix."""
    return _of_rank(xp, x, 2)


@composite(samples=[sample(uniform(-3, 3)), sample(VECTOR), sample(REALS), sample(BLOCK)])
def atleast_3d(xp: Namespace, x: Array, /) -> Array:
    """`x` with three axes: a vector of shape (n,) as (1, n, 1), a matrix of (m, n) as (m, n, 1)."""
    return _of_rank(xp, x, 3)


# ---- the order of axes ---------------------------------------------------------------------


@movement(samples=[sample(BLOCK, axes=(2, 0, 1)), sample(REALS, axes=(-1, 0))])
def permute_dims(xp: Namespace, x: Array, /, axes: tuple[int, ...] | None = None) -> Array:
    """Axes in another order: axis i of the result is axis ``axes[i]`` of `x` (None: reversed)."""
    return xp.permute_dims(x, axes)


@permute_dims.vjp("x")
def _(xp, g, out, x, *, axes):
    order = [a % x.ndim for a in axes or reversed(range(x.ndim))]
    return xp.permute_dims(g, tuple(order.index(a) for a in range(x.ndim)))


@movement(samples=[sample(BLOCK)])
def matrix_transpose(xp: Namespace, x: Array, /) -> Array:
    """The last two axes swapped."""
    return xp.matrix_transpose(x)


@matrix_transpose.vjp("x")
def _(xp, g, out, x):
    return xp.matrix_transpose(g)


@composite(samples=[sample(BLOCK), sample(BLOCK, axes=(1, 0, 2))])
def transpose(xp: Namespace, x: Array, /, axes: tuple[int, ...] | None = None) -> Array:
    """NumPy's name for :func:`permute_dims`; to swap two axes, use :func:`swapaxes`."""
    if axes is not None:
        axes = arguments.axes("transpose", axes, len(x.shape), "axes")
        if len(axes) != len(x.shape):
            raise AxisError(
                "transpose",
                f"axes={axes} name {len(axes)} of the {len(x.shape)} axes of shape {x.shape}",
                "Name every axis once; to swap two of them, use swapaxes.",
            )
    return xp.permute_dims(x, axes)


@composite(samples=[sample(BLOCK, axis1=0, axis2=-1)])
def swapaxes(xp: Namespace, x: Array, /, axis1: int, axis2: int) -> Array:
    """Two axes swapped."""
    order = list(range(len(x.shape)))
    i = arguments.axis("swapaxes", axis1, len(order), "axis1")
    j = arguments.axis("swapaxes", axis2, len(order), "axis2")
    order[i], order[j] = j, i
    return xp.permute_dims(x, tuple(order))


@composite(samples=[sample(BLOCK, source=0, destination=-1),
                    sample(BLOCK, source=(2, 0), destination=(0, 1))])  # fmt: skip
def moveaxis(
    xp: Namespace,
    x: Array,
    /,
    source: int | tuple[int, ...],
    destination: int | tuple[int, ...],
) -> Array:
    """Axes `source` moved to the places `destination`; the others keep their order."""
    ndim = len(x.shape)
    from_ = arguments.axes("moveaxis", source, ndim, "source")
    to = arguments.axes("moveaxis", destination, ndim, "destination")
    if len(from_) != len(to):
        raise ArgumentError(
            "moveaxis",
            f"source={source} and destination={destination} differ in number",
            "Name one destination for each source.",
        )
    order = [a for a in range(ndim) if a not in from_]
    for place, a in sorted(zip(to, from_, strict=True)):
        order.insert(place, a)
    return xp.permute_dims(x, tuple(order))


# ---- stretched -----------------------------------------------------------------------------


@movement(samples=[sample(REALS, shape=(2, 3, 4)), sample(uniform(-3, 3, (3, 1)), shape=(3, 2))])
def broadcast_to(xp: Namespace, x: Array, /, shape: tuple[int, ...]) -> Array:
    """`x` repeated along new axes and along those of length 1."""
    return xp.broadcast_to(x, shape)


@broadcast_to.vjp("x")
def _(xp, g, out, x, *, shape):
    return g  # the walk sums whatever was broadcast


@composite(samples=[sample(REALS, uniform(-3, 3, (4,))),
                    sample(uniform(-3, 3, (3, 1)), uniform(-3, 3), VECTOR)])  # fmt: skip
def broadcast_arrays(xp: Namespace, *arrays: Array) -> tuple[Array, ...]:
    """All arrays stretched to their common shape, as a tuple."""
    shape = arguments.broadcast_shape("broadcast_arrays", *(x.shape for x in arrays))
    return tuple(xp.broadcast_to(x, shape) for x in arrays)


@composite(
    samples=[
        sample(VECTOR, uniform(-3, 3, (2,))),
        sample(VECTOR, uniform(-3, 3, (2,)), uniform(-3, 3, (4,)), indexing="ij"),
    ]
)
def meshgrid(xp: Namespace, *arrays: Array, indexing: str = "xy") -> tuple[Array, ...]:
    """The coordinates of every point of a grid, from those along each of its axes.

    Parameters
    ----------
    arrays
        Vectors (or single numbers), one for each axis.
    indexing
        ``"ij"``: vector i runs along axis i of the results; ``"xy"``: the first two change places,
        as x runs along the columns of a picture.

    Returns
    -------
    tuple of Tensor
        One array of the grid's shape for each vector.
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError("meshgrid", f"indexing={indexing!r} is unknown", 'Use "xy" or "ij".')
    wrong = next((x for x in arrays if len(x.shape) > 1), None)
    if wrong is not None:
        raise ShapeError("meshgrid", f"shape {wrong.shape} is no vector", "Pass vectors.")
    places = list(range(len(arrays)))
    if indexing == "xy" and len(places) > 1:
        places[:2] = [1, 0]
    lengths = [math.prod(x.shape) for x in arrays]
    shape = tuple(lengths[a] for a in places)
    return tuple(
        xp.broadcast_to(xp.reshape(x, (n,) + (1,) * (len(arrays) - 1 - a)), shape)
        for x, a, n in zip(arrays, places, lengths, strict=True)
    )


# ---- another dtype -------------------------------------------------------------------------


@movement(samples=[sample(REALS, dtype="float64")])
def astype(xp: Namespace, x: Array, /, dtype: Any, copy: bool = True, device: Any = None) -> Array:
    """The same numbers in another dtype; the gradient comes back in the old one.

    Tensors are values, so that `copy` changes nothing; the only `device` is ``"cpu"``.
    """
    arguments.check_device("astype", device)
    return xp.astype(x, dtype)


@astype.vjp("x")
def _(xp, g, out, x, **params):
    return g
