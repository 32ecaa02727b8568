"""Indexing: elements chosen by number, and the adjoint that puts them back.

An index is split in two. The static skeleton (slices, None, Ellipsis, integers, booleans) is the
parameter `index`; arrays of integers are inputs, and in the skeleton ``SLOT`` marks their places.
"""

from __future__ import annotations

from typing import Any

from .. import arguments
from ..arrays import SLOT, Array, Namespace
from ..errors import DTypeError, ShapeError
from ..op import composite, indexing
from ..samples import booleans, integers, sample, uniform

TABLE = uniform(-3, 3, (4, 3))

INDICES = [
    ((), (slice(1, 3),)),
    ((), (Ellipsis, None, -1)),
    ((), (slice(None, None, -2), 0)),
    ((integers(0, 4, (5,)),), (SLOT,)),
    ((integers(-4, 4, (2, 3)), integers(0, 3, (3,))), (SLOT, SLOT)),
    ((integers(0, 3, (5,)),), (slice(1, None), SLOT)),
]


@indexing(samples=[sample(TABLE, *arrays, index=index) for arrays, index in INDICES])
def getitem(xp: Namespace, x: Array, /, *indices: Array, index: tuple[Any, ...]) -> Array:
    """``x[...]`` with everything that NumPy accepts as an index; usually written ``x[i, j]``."""
    return xp.getitem(x, *indices, index=index)


@getitem.vjp("x", saves=("indices",))
def _(xp, g, out, x, *indices, index):
    return xp.add_at(g, *indices, index=index, shape=x.shape)


@indexing(
    samples=[
        sample(uniform(-3, 3, (2, 3)), index=(slice(1, 3),), shape=(4, 3)),
        sample(uniform(-3, 3, (5, 3)), integers(0, 4, (5,)), index=(SLOT,), shape=(4, 3)),
    ]
)
def add_at(
    xp: Namespace, values: Array, /, *indices: Array, index: tuple[Any, ...], shape: tuple[int, ...]
) -> Array:
    """Zeros of `shape` to which `values` are added at an index, repeated ones every time.

    The adjoint of :func:`getitem`: ``sum(getitem(x, i) * v) == sum(x * add_at(v, i))``.
    """
    return xp.add_at(values, *indices, index=index, shape=shape)


@add_at.vjp("values", saves=("indices",))
def _(xp, g, out, values, *indices, index, shape):
    return xp.getitem(g, *indices, index=index)


@indexing(
    samples=[
        sample(TABLE, uniform(-3, 3, (2, 3)), index=(slice(1, 3),)),
        sample(TABLE, uniform(-3, 3, (3,)), integers(0, 4, (5,)), index=(SLOT,)),
        sample(TABLE, uniform(-3, 3), index=(-1, 0)),
    ]
)
def setitem(
    xp: Namespace, x: Array, values: Array, /, *indices: Array, index: tuple[Any, ...]
) -> Array:
    """A copy of `x` with `values` at an index, the last one where indices repeat.

    Usually written ``x[i, j] = values``.
    """
    return xp.setitem(x, values, *indices, index=index)


@setitem.vjp("x", saves=("indices",))
def _(xp, g, out, x, values, *indices, index):
    return xp.setitem(g, 0.0, *indices, index=index)


@setitem.vjp("values", saves=("indices",))
def _(xp, g, out, x, values, *indices, index):
    if not indices:
        return xp.getitem(g, index=index)
    lasting = xp.last_written(*indices, index=index, shape=x.shape)
    return xp.where(lasting, xp.getitem(g, *indices, index=index), 0.0)


@indexing(samples=[sample(integers(0, 4, (5,)), index=(SLOT,), shape=(4, 3))])
def last_written(
    xp: Namespace, *indices: Array, index: tuple[Any, ...], shape: tuple[int, ...]
) -> Array:
    """For each element that an index selects, whether :func:`setitem` keeps what it wrote there.

    Of several elements with the same index, only the last one is kept.
    """
    return xp.last_written(*indices, index=index, shape=shape)


@indexing(samples=[sample(TABLE, integers(0, 4, (5,)), axis=0),
                   sample(TABLE, integers(0, 3, (2, 2)), axis=-1),
                   sample(uniform(-3, 3, (4,)), integers(0, 4, (3,)))])  # fmt: skip
def take(xp: Namespace, x: Array, indices: Array, /, axis: int | None = None) -> Array:
    """The slices of `x` along `axis` with the numbers `indices`; a 1-D `x` needs no axis."""
    return xp.take(x, indices, axis=axis)


@take.vjp("x", saves=("indices",))
def _(xp, g, out, x, indices, *, axis):
    index = (slice(None),) * ((axis or 0) % x.ndim) + (SLOT,)
    return xp.add_at(g, indices, index=index, shape=x.shape)


@composite(samples=[sample(TABLE, integers(0, 4, (5,)), axis=0),
                    sample(TABLE, integers(0, 3, (2,)), axis=-1)])  # fmt: skip
def index_select(xp: Namespace, x: Array, indices: Array, /, axis: int) -> Array:
    """PyTorch's name for :func:`take` with a vector of indices."""
    if len(indices.shape) != 1:
        raise ShapeError(
            "index_select", f"indices of shape {indices.shape} are no vector", "Use take."
        )
    return xp.take(x, indices, axis=arguments.axis("index_select", axis, len(x.shape)))


@indexing(
    samples=[
        sample(TABLE, integers(0, 3, (4, 2))),
        sample(TABLE, integers(-4, 4, (5, 3)), axis=0),
        sample(uniform(-3, 3, (1, 3)), integers(0, 3, (2, 2)), axis=1),
        sample(TABLE, integers(0, 4, (2, 1)), axis=0),
    ]
)
def take_along_axis(xp: Namespace, x: Array, indices: Array, /, axis: int = -1) -> Array:
    """Of each slice of `x` along `axis` the elements with numbers of its own.

    For a matrix and ``axis=1``, ``out[i, j] = x[i, indices[i, j]]``.

    Parameters
    ----------
    x
        At least one axis.
    indices
        Integers, with as many axes; beside `axis`, the shapes broadcast.
    axis
        The axis to choose along.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> x = tl.Tensor([[10, 11, 12], [20, 21, 22]])
    >>> tl.take_along_axis(x, [[2, 0], [1, 1]])
    Tensor([[12, 10],
            [21, 21]], dtype=int64)
    """
    return xp.take_along_axis(x, indices, axis)


@take_along_axis.vjp("x", saves=("indices",))
def _(xp, g, out, x, indices, *, axis):
    shape = list(out.shape)
    shape[axis] = x.shape[axis]
    return xp.add_along_axis(g, indices, shape=tuple(shape), axis=axis)


@indexing(
    samples=[
        sample(uniform(-3, 3, (4, 2)), integers(0, 3, (4, 2)), shape=(4, 3)),
        sample(uniform(-3, 3, (5, 2)), integers(-4, 4, (5, 2)), shape=(4, 3), axis=0),
        sample(uniform(-3, 3, (4, 2)), integers(0, 3, (1, 2)), shape=(4, 3)),
    ]
)
def add_along_axis(
    xp: Namespace, values: Array, indices: Array, /, shape: tuple[int, ...], axis: int = -1
) -> Array:
    """Zeros of `shape` to which values are added where :func:`take_along_axis` would take them.

    Its adjoint. Beside `axis`, the indices may be fewer than `shape` has.
    """
    return xp.add_along_axis(values, indices, shape, axis)


@add_along_axis.vjp("values", saves=("indices",))
def _(xp, g, out, values, indices, *, shape, axis):
    common = [max(n, m) for n, m in zip(values.shape, indices.shape, strict=True)]
    common[axis] = shape[axis]
    return xp.take_along_axis(g[tuple(slice(n) for n in common)], indices, axis)


@composite(samples=[sample(TABLE, integers(0, 3, (2, 4)), axis=1),
                    sample(TABLE, integers(0, 4, (5, 3)), axis=0)])  # fmt: skip
def gather(xp: Namespace, x: Array, indices: Array, /, axis: int) -> Array:
    """PyTorch's :func:`take_along_axis`: shapes do not broadcast.

    For a matrix and ``axis=0``, ``out[i, j] = x[indices[i, j], j]``. Beside `axis`, `indices` may
    be shorter than `x`; the result has its shape.
    """
    axis = arguments.axis("gather", axis, len(x.shape))
    _check_reach("gather", indices, x, axis)
    beside = [n if a != axis else x.shape[a] for a, n in enumerate(indices.shape)]
    return xp.take_along_axis(x[tuple(slice(n) for n in beside)], indices, axis)


def _check_reach(where: str, indices: Array, x: Array, axis: int) -> None:
    """Refuse indices that do not lie within `x` beside `axis`."""
    if len(x.shape) != len(indices.shape) or any(
        n > m for a, (n, m) in enumerate(zip(indices.shape, x.shape, strict=True)) if a != axis
    ):
        raise ShapeError(
            where,
            f"indices of shape {indices.shape} reach beyond shape {x.shape}",
            f"They have as many axes, and are not longer than it but along axis {axis}.",
        )


@indexing(samples=[sample(booleans((3, 4))), sample(booleans((5,)))])
def flatnonzero(xp: Namespace, x: Array, /) -> Array:
    """The places, in reading order, at which `x` is true or other than zero."""
    return xp.flatnonzero(x)


@composite(samples=[sample(TABLE, booleans((4, 3))), sample(TABLE, booleans((3,)))])
def masked_select(xp: Namespace, x: Array, mask: Array, /) -> Array:
    """The elements of `x` where `mask` is true, along one axis; the two broadcast.

    How many there are depends on the mask's numbers, so that a compiled function cannot contain
    it: there, choose with :func:`where`, which keeps the shape.
    """
    if str(mask.dtype) != "bool":
        raise DTypeError("masked_select", f"a mask of {mask.dtype}", "Pass booleans, as x > 0.")
    shape = arguments.broadcast_shape("masked_select", x.shape, mask.shape)
    places = xp.flatnonzero(xp.broadcast_to(mask, shape))
    return xp.take(xp.reshape(xp.broadcast_to(x, shape), (-1,)), places, axis=0)


@indexing(samples=[sample(integers(0, 4, (5,)), num_classes=4)])
def one_hot(xp: Namespace, x: Array, /, num_classes: int, dtype: Any = "float32") -> Array:
    """Class numbers as rows of zeros with a single one: a new last axis of `num_classes`."""
    return xp.one_hot(x, num_classes, dtype=dtype)


getitem.no_gradient("indices")
setitem.no_gradient("indices")
last_written.no_gradient("indices")
add_at.no_gradient("indices")
take.no_gradient("indices")
take_along_axis.no_gradient("indices")
add_along_axis.no_gradient("indices")
one_hot.no_gradient("x")
flatnonzero.no_gradient("x")
