"""The way back from a maximum pooling: each number goes to the place that it came from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ... import ops
from ...arrays import Array
from ...errors import IndexingError, RangeError, ShapeError
from ...mode import current
from ...tensor import Tensor
from .images import batched, per_axis
from .place import layer_or
from .pooling import Sizes


def max_unpool1d(
    input: Array,
    indices: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Largest numbers of signals put back, see :func:`max_unpool2d`."""
    return _unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Array,
    indices: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The numbers that ``max_pool2d`` chose, in their places, and 0 elsewhere.

    Parameters
    ----------
    input, indices
        What the pooling with ``return_indices=True`` gave. If windows overlap, so that a place is
        chosen twice, one of the numbers is put there.
    kernel_size, stride, padding
        Those of the pooling.
    output_size
        The lengths of what was pooled, where several are possible.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> x = tl.Tensor([[[1.0, 5.0, 2.0, 3.0]]])
    >>> largest, places = tl.nn.functional.max_pool1d(x, 2, return_indices=True)
    >>> tl.nn.functional.max_unpool1d(largest, places, 2).tolist()
    [[[0.0, 5.0, 0.0, 3.0]]]
    """
    return _unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Array,
    indices: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Largest numbers of volumes put back, see :func:`max_unpool2d`."""
    return _unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _unpool(
    name: str, axes: int, input: Array, indices: Array, kernel_size: Sizes,
    stride: Sizes | None, padding: Sizes, output_size: Sequence[int] | None,
) -> Tensor:  # fmt: skip
    where = layer_or(name)
    x, single = batched(where, input, axes)
    places, _ = batched(where, indices, axes)
    if x.shape != places.shape:
        raise ShapeError(
            where,
            f"the input has shape {x.shape}, the indices {places.shape}",
            "Pass both as the pooling gave them.",
        )
    kernel = per_axis(where, "kernel_size", kernel_size, axes)
    steps = kernel if stride is None else per_axis(where, "stride", stride, axes)
    border = per_axis(where, "padding", padding, axes, 0)
    usual = tuple(
        (n - 1) * s - 2 * p + k
        for n, s, p, k in zip(x.shape[2:], steps, border, kernel, strict=True)
    )
    lengths = usual if output_size is None else tuple(output_size)[-axes:]
    if len(lengths) != axes or any(
        abs(n - m) >= s for n, m, s in zip(lengths, usual, steps, strict=True)
    ):
        raise RangeError(
            where,
            f"output_size={lengths} is not what a pooling to {x.shape} began with",
            f"Pass lengths near {usual}.",
        )
    flat = math.prod(lengths)
    batch, channels = x.shape[:2]
    found = places.reshape(batch, channels, -1)
    if current().tracer is None and found.size:
        lowest, highest = int(found.raw.min()), int(found.raw.max())
        if lowest < 0 or highest >= flat:
            raise IndexingError(
                where,
                f"indices from {lowest} to {highest} for the {flat} places of an output {lengths}",
                "Pass those of the pooling, and output_size, the lengths of what was pooled.",
            )
    empty = Tensor([0.0], dtype=x.dtype).broadcast_to((batch, channels, flat))
    out = ops.scatter(empty, found, x.reshape(batch, channels, -1), axis=-1)
    out = out.reshape(batch, channels, *lengths)
    return out[0] if single else out
