"""Patches of images as columns, and columns as images: what a convolution is made of."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...arguments import count
from ...arrays import Array
from ...errors import ShapeError
from ...tensor import Tensor
from .conversion import as_tensor
from .place import layer_or


def unfold(
    input: Array, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Every patch of an image as a column (im2col).

    Parameters
    ----------
    input
        Shape (N, C, H, W) or (C, H, W).
    kernel_size
        Height and width of a patch; here and below, one number stands for both.
    dilation
        How far the elements of a patch lie apart.
    padding
        Zeros added on each side first.
    stride
        How far a patch lies from the next.

    Returns
    -------
    Tensor
        Shape (N, C * kernel height * kernel width, number of patches), or without N.
    """
    where = layer_or("unfold")
    x, single = _batched(where, as_tensor(input), (3, 4))
    kernel, gap, border, step = _pairs(where, kernel_size, dilation, padding, stride)
    padded = ops.pad(x, ((0, 0), (0, 0), *((p, p) for p in border)))
    n, c, *_ = padded.shape
    patches = ops.windows(padded, kernel, axis=(2, 3), stride=step, dilation=gap)
    _, _, rows, columns, height, width = patches.shape
    out = patches.permute_dims((0, 1, 4, 5, 2, 3)).reshape(n, c * height * width, rows * columns)
    return out[0] if single else out


def fold(
    input: Array,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Columns added up to an image (col2im): the adjoint of :func:`unfold`.

    Parameters
    ----------
    input
        Shape (N, C * kernel height * kernel width, number of patches), or without N.
    output_size
        Height and width of the image.
    kernel_size, dilation, padding, stride
        As in :func:`unfold`.

    Returns
    -------
    Tensor
        Shape (N, C, H, W), or without N.
    """
    where = layer_or("fold")
    x, single = _batched(where, as_tensor(input), (2, 3))
    size, kernel, gap, border, step = _pairs(
        where, output_size, kernel_size, dilation, padding, stride
    )
    padded = tuple(length + 2 * p for length, p in zip(size, border, strict=True))
    rows, columns = (
        (length - (k - 1) * d - 1) // s + 1
        for length, k, d, s in zip(padded, kernel, gap, step, strict=True)
    )
    n, joined, patches = x.shape
    channels, rest = divmod(joined, kernel[0] * kernel[1])
    if rest or patches != rows * columns:
        raise ShapeError(
            where,
            f"columns of shape {x.shape[single:]} for an image of {size} and patches of {kernel}",
            f"Pass (..., C * {kernel[0] * kernel[1]}, {rows * columns}).",
        )
    blocks = x.reshape(n, channels, *kernel, rows, columns).permute_dims((0, 1, 4, 5, 2, 3))
    image = ops.overlap_add(blocks, (n, channels, *padded), axis=(2, 3), stride=step, dilation=gap)
    inner = tuple(slice(p, p + length) for p, length in zip(border, size, strict=True))
    out = image[(slice(None), slice(None), *inner)]
    return out[0] if single else out


def _batched(where: str, x: Tensor, ranks: tuple[int, int]) -> tuple[Tensor, bool]:
    """`x` with a batch axis, and whether that was missing."""
    if x.ndim not in ranks:
        raise ShapeError(
            where, f"the input has shape {x.shape}", f"It has {ranks[0]} or {ranks[1]} axes."
        )
    return (x, False) if x.ndim == ranks[1] else (ops.expand_dims(x, axis=0), True)


def _pairs(where: str, *values: Any) -> list[tuple[int, int]]:
    """One number as two, for the rows and the columns."""
    found = []
    for value in values:
        pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
        if len(pair) != 2:
            raise ShapeError(where, f"{value} for rows and columns", "Pass one number or two.")
        found.append((count(where, "a size", pair[0]), count(where, "a size", pair[1])))
    return found
