"""Indexing: elements chosen by number, and the adjoint that puts them back.

An index is split in two. The static skeleton (slices, None, Ellipsis, integers, booleans) is the
parameter `index`; arrays of integers are inputs, and in the skeleton ``SLOT`` marks their places.
"""

from __future__ import annotations

from typing import Any

from ..arrays import SLOT, Array, Namespace
from ..op import indexing
from ..samples import integers, sample, uniform

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


@indexing(samples=[sample(integers(0, 4, (5,)), num_classes=4)])
def one_hot(xp: Namespace, x: Array, /, num_classes: int, dtype: Any = "float32") -> Array:
    """Class numbers as rows of zeros with a single one: a new last axis of `num_classes`."""
    return xp.one_hot(x, num_classes, dtype=dtype)


getitem.no_gradient("indices")
setitem.no_gradient("indices")
last_written.no_gradient("indices")
add_at.no_gradient("indices")
take.no_gradient("indices")
one_hot.no_gradient("x")
