"""Arrays joined into one, and one cut into several."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import RangeError, ShapeError
from ..op import composite, movement
from ..samples import sample, uniform
from .movement import _of_rank

REALS = uniform(-3, 3, (3, 4))
BLOCK = uniform(-3, 3, (2, 3, 4))
VECTOR = uniform(-3, 3, (3,))

# ---- joined --------------------------------------------------------------------------------


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


@composite(samples=[sample(VECTOR, uniform(-3, 3, (2,))), sample(REALS, uniform(-3, 3, (3, 2)))])
def hstack(xp: Namespace, *arrays: Array) -> Array:
    """Arrays joined side by side: along the second axis, or the only one."""
    arrays = tuple(_of_rank(xp, x, 1) for x in arrays)
    return xp.concat(list(arrays), axis=0 if len(arrays[0].shape) == 1 else 1)


@composite(samples=[sample(VECTOR, VECTOR), sample(REALS, uniform(-3, 3, (2, 4)))])
def vstack(xp: Namespace, *arrays: Array) -> Array:
    """Arrays joined one below the other, along the first axis; a vector is a row."""
    return xp.concat([_of_rank(xp, x, 2) for x in arrays], axis=0)


@composite(samples=[sample(VECTOR, VECTOR), sample(REALS, REALS)])
def dstack(xp: Namespace, *arrays: Array) -> Array:
    """Arrays joined along the third axis, which those with fewer get."""
    return xp.concat([_of_rank(xp, x, 3) for x in arrays], axis=2)


@composite(samples=[sample(VECTOR, VECTOR), sample(REALS, VECTOR)])
def column_stack(xp: Namespace, *arrays: Array) -> Array:
    """Vectors as the columns of a matrix, beside those of matrices."""
    columns = [x if len(x.shape) > 1 else xp.reshape(x, (math.prod(x.shape), 1)) for x in arrays]
    return xp.concat(columns, axis=1)


@composite(samples=[sample(REALS, uniform(-3, 3, (2, 1)), VECTOR), sample(uniform(-3, 3))])
def block_diag(xp: Namespace, *arrays: Array) -> Array:
    """Matrices along the diagonal of a larger one, zeros beside them; a vector is a row.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.block_diag(tl.ones(1, 2), tl.full((2, 1), 3.0))
    Tensor([[1., 1., 0.],
            [0., 0., 3.],
            [0., 0., 3.]], dtype=float32)
    """
    blocks = [_of_rank(xp, x, 2) for x in arrays]
    wrong = next((x for x in blocks if len(x.shape) > 2), None)
    if wrong is not None:
        raise ShapeError("block_diag", f"shape {wrong.shape} is no matrix", "Pass matrices.")
    width = sum(x.shape[1] for x in blocks)
    rows, left = [], 0
    for block in blocks:
        right = width - left - block.shape[1]
        rows.append(xp.pad(block, ((0, 0), (left, right))))
        left += block.shape[1]
    return xp.concat(rows, axis=0)


# ---- cut -----------------------------------------------------------------------------------


def _slices(x: Array, axis: int, bounds: Iterable[int]) -> tuple[Array, ...]:
    """The parts of `x` between each two of the `bounds` along `axis`."""
    before = (slice(None),) * axis
    return tuple(x[(*before, slice(a, b))] for a, b in pairwise(bounds))


@composite(samples=[sample(REALS), sample(BLOCK, axis=-1)])
def unstack(xp: Namespace, x: Array, /, axis: int = 0) -> tuple[Array, ...]:
    """The slices along `axis` as a tuple, without that axis; undoes :func:`stack`."""
    axis = arguments.axis("unstack", axis, len(x.shape))
    before = (slice(None),) * axis
    return tuple(x[(*before, i)] for i in range(x.shape[axis]))


@composite(
    samples=[
        sample(REALS, indices_or_sections=2, axis=1),
        sample(REALS, indices_or_sections=(1, 1, -1)),
        sample(BLOCK, indices_or_sections=(1, 9), axis=-1),
    ]
)
def split(
    xp: Namespace, x: Array, /, indices_or_sections: int | tuple[int, ...], axis: int = 0
) -> tuple[Array, ...]:
    """Cut along `axis`, as NumPy cuts; the parts come as a tuple.

    Parameters
    ----------
    x
        At least one axis.
    indices_or_sections
        The number of equal parts, or a tuple of the indices at which to cut. (PyTorch's `split`
        takes the length of a part instead.)
    axis
        The axis that is cut.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> [part.tolist() for part in tl.split(tl.arange(6), (1, 3))]
    [[0], [1, 2], [3, 4, 5]]
    """
    axis = arguments.axis("split", axis, len(x.shape))
    length, given = x.shape[axis], indices_or_sections
    if isinstance(given, tuple | list):
        places = [arguments.integer("split", "indices_or_sections", i) for i in given]
        return _slices(x, axis, [0, *places, length])
    count = arguments.integer("split", "indices_or_sections", given)
    if count < 1 or length % count:
        raise ShapeError(
            "split",
            f"axis {axis} of shape {x.shape} has no {count} equal parts",
            "Pass a divisor of its length, or a tuple of places; chunk allows a shorter last part.",
        )
    return _slices(x, axis, [i * (length // count) for i in range(count + 1)])


@composite(samples=[sample(REALS, chunks=2), sample(BLOCK, chunks=3, axis=-1)])
def chunk(xp: Namespace, x: Array, /, chunks: int, axis: int = 0) -> tuple[Array, ...]:
    """Cut along `axis` into at most `chunks` parts of one length; only the last may be shorter."""
    axis = arguments.axis("chunk", axis, len(x.shape))
    if arguments.integer("chunk", "chunks", chunks) < 1:
        raise RangeError("chunk", f"chunks={chunks} is less than one", "Pass chunks >= 1.")
    length = x.shape[axis]
    step = -(-length // chunks) or 1
    return _slices(x, axis, [*range(0, length or 1, step), length])


@composite(samples=[sample(REALS, axis=1, start=1, length=2), sample(BLOCK, axis=0, start=-1,
                                                                     length=1)])  # fmt: skip
def narrow(xp: Namespace, x: Array, /, axis: int, start: int, length: int) -> Array:
    """The `length` elements along `axis` that begin at `start`; it is an error if there are fewer.

    A negative `start` counts from the end.
    """
    axis = arguments.axis("narrow", axis, len(x.shape))
    first = arguments.integer("narrow", "start", start)
    first += x.shape[axis] if first < 0 else 0
    stop = first + arguments.count("narrow", "length", length)
    if first < 0 or stop > x.shape[axis]:
        raise RangeError(
            "narrow",
            f"start={start}, length={length} reaches beyond axis {axis} of shape {x.shape}",
            f"That axis has {x.shape[axis]} elements.",
        )
    return x[(slice(None),) * axis + (slice(first, stop),)]
