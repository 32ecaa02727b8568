"""Movement: the same numbers in another shape, order or type."""

from __future__ import annotations

import math
from typing import Any

from ..arrays import Array, Namespace
from ..op import composite, movement
from ..samples import sample, uniform

REALS = uniform(-3, 3, (3, 4))
BLOCK = uniform(-3, 3, (2, 3, 4))


@movement(samples=[sample(REALS, shape=(2, 6)), sample(REALS, shape=(-1,))])
def reshape(xp: Namespace, x: Array, /, shape: int | tuple[int, ...]) -> Array:
    """The same numbers, in order, in another shape; one length may be -1."""
    return xp.reshape(x, shape)


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


@movement(samples=[sample(REALS, shape=(2, 3, 4)), sample(uniform(-3, 3, (3, 1)), shape=(3, 2))])
def broadcast_to(xp: Namespace, x: Array, /, shape: tuple[int, ...]) -> Array:
    """`x` repeated along new axes and along those of length 1."""
    return xp.broadcast_to(x, shape)


@broadcast_to.vjp("x")
def _(xp, g, out, x, *, shape):
    return g  # the walk sums whatever was broadcast


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


@composite(samples=[sample(BLOCK), sample(BLOCK, start_axis=1)])
def flatten(xp: Namespace, x: Array, /, start_axis: int = 0) -> Array:
    """Axes from `start_axis` on, joined into one."""
    return xp.reshape(x, (*x.shape[:start_axis], math.prod(x.shape[start_axis:])))


@movement(samples=[sample(REALS), sample(REALS, axis=1), sample(BLOCK, axis=(0, 2))])
def flip(xp: Namespace, x: Array, /, axis: int | tuple[int, ...] | None = None) -> Array:
    """The order along `axis` reversed (None: along all)."""
    return xp.flip(x, axis=axis)


@flip.vjp("x")
def _(xp, g, out, x, *, axis):
    return xp.flip(g, axis=axis)


@movement(
    samples=[
        sample(REALS, uniform(-3, 3, (2, 4))),
        sample(REALS, REALS, uniform(-3, 3, (3, 1)), axis=-1),
        sample(REALS, uniform(-3, 3, (2,)), axis=None),
    ]
)
def concat(xp: Namespace, *arrays: Array, axis: int | None = 0) -> Array:
    """Arrays joined along an axis that they have (None: flattened); also takes a list of them."""
    return xp.concat(arrays, axis=axis)


@concat.vjp("arrays")
def _(xp, g, out, *arrays, position, axis):
    if axis is None:
        start = sum(math.prod(a.shape) for a in arrays[:position])
        shape = arrays[position].shape
        return xp.reshape(g[start : start + math.prod(shape)], shape)
    axis %= g.ndim
    start = sum(a.shape[axis] for a in arrays[:position])
    return g[(slice(None),) * axis + (slice(start, start + arrays[position].shape[axis]),)]


@movement(samples=[sample(REALS, REALS), sample(REALS, REALS, REALS, axis=-1)])
def stack(xp: Namespace, *arrays: Array, axis: int = 0) -> Array:
    """Arrays of one shape joined along a new axis; also takes one list of them."""
    return xp.stack(arrays, axis=axis)


@stack.vjp("arrays")
def _(xp, g, out, *arrays, position, axis):
    return g[(slice(None),) * (axis % g.ndim) + (position,)]


@movement(samples=[sample(REALS, dtype="float64")])
def astype(xp: Namespace, x: Array, /, dtype: Any) -> Array:
    """The same numbers in another dtype; the gradient comes back in the old one."""
    return xp.astype(x, dtype)


@astype.vjp("x")
def _(xp, g, out, x, *, dtype):
    return g
