"""Pooling along one, two and three axes: the maximum, mean or norm of windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import ops
from ...arguments import count
from ...arrays import Array
from ...creation import arange
from ...errors import RangeError, ShapeError
from ...ops.precision import narrowed, widened
from ...tensor import Tensor
from .images import floating_images, per_axis
from .place import layer_or

Sizes = int | Sequence[int]
Pooled = Any  # a Tensor, or with return_indices a pair of them


class Windows(NamedTuple):
    """The parameters that pooling ops share; the padding in front and behind, for each axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]


# ---- maximum -----------------------------------------------------------------------------


def max_pool1d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Largest number in each window of signals (N, C, L) or (C, L); see :func:`max_pool2d`."""
    return _max_pool(
        "max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Largest number in each window of images.

    Of equal numbers in a window, the first one in reading order gets the gradient.

    Parameters
    ----------
    input
        Shape (N, C, H, W) or (C, H, W).
    kernel_size, stride, padding, dilation
        How long a window is, how far windows are from one another (None: `kernel_size`, so that
        they touch), how many positions around the input belong to windows, and how far the
        elements of a window are apart; one number, or one for each axis.
    ceil_mode
        Whether a window may reach beyond the padding, as long as it begins before it.
    return_indices
        Whether to return also where the largest numbers are: their places in a flattened plane.

    Returns
    -------
    Tensor
        Shape (N, C, H', W') with ``H' = (H + 2 padding - dilation (kH - 1) - 1) / stride + 1``,
        rounded down, or up in `ceil_mode`. With `return_indices`, a pair of such tensors.
    """
    return _max_pool(
        "max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Largest number in each window of volumes (N, C, D, H, W); see :func:`max_pool2d`."""
    return _max_pool(
        "max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _max_pool(
    name: str, axes: int, input: Array, kernel_size: Sizes, stride: Sizes | None,
    padding: Sizes, dilation: Sizes, ceil_mode: bool, return_indices: bool,
) -> Pooled:  # fmt: skip
    where = layer_or(name)
    x, single = floating_images(where, axes, input)
    windows = _windows(where, x, kernel_size, stride, padding, dilation, ceil_mode)
    lengths = x.shape[2:]
    if not return_indices:
        out = ops.pool_max(x, *windows)
        return out[0] if single else out
    taps = ops.pool_argmax(x.detach(), *windows)
    positions = [
        [[place * s - front + tap * d for tap in range(k)] for place in range(places)]
        for places, k, s, (front, _), d in zip(taps.shape[2:], *windows, strict=True)
    ]
    out = ops.pool_pick(x, taps, *windows)
    indices = flat_places(taps, positions, lengths)
    return (out[0], indices[0]) if single else (out, indices)


def flat_places(taps: Tensor, positions: list[list[list[int]]], lengths: tuple[int, ...]) -> Tensor:
    """Places in a flattened plane, from numbers within windows.

    ``positions[axis][place][tap]`` is the coordinate of a window's element.
    """
    rest = taps.astype("int64")
    flat: Any = 0
    scale = 1
    for axis in reversed(range(len(positions))):
        size = len(positions[axis][0])
        table = Tensor([p for window in positions[axis] for p in window], dtype="int64")
        places = arange(len(positions[axis])).reshape(-1, *(1,) * (len(positions) - 1 - axis))
        flat = flat + scale * table[places * size + rest % size]
        rest = rest // size
        scale *= lengths[axis]
    return flat  # type: ignore[no-any-return]


# ---- mean --------------------------------------------------------------------------------


def avg_pool1d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Mean of each window of signals (N, C, L) or (C, L); see :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of each window of images.

    Parameters
    ----------
    input
        Shape (N, C, H, W) or (C, H, W).
    kernel_size, stride, padding, ceil_mode
        As in :func:`max_pool2d`; padding holds zeros.
    count_include_pad
        Whether a sum is divided by the number of positions, padding included, or by the number of
        those in the input. What `ceil_mode` adds to the padding is never counted.
    divisor_override
        What to divide by instead.

    Returns
    -------
    Tensor
        Shape (N, C, H', W').
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


def avg_pool3d(
    input: Array,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of each window of volumes (N, C, D, H, W); see :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad,
        divisor_override,
    )  # fmt: skip


def _avg_pool(
    name: str, axes: int, input: Array, kernel_size: Sizes, stride: Sizes | None,
    padding: Sizes, ceil_mode: bool, include_padding: bool, divisor: int | None,
) -> Tensor:  # fmt: skip
    where = layer_or(name)
    x, single = floating_images(where, axes, input)
    windows = _windows(where, x, kernel_size, stride, padding, 1, ceil_mode)
    if divisor is not None and count(where, "divisor_override", divisor) == 0:
        raise RangeError(where, "divisor_override=0", "Pass a number to divide by.")
    (x,), dtype = widened(ops, x)
    sums = ops.pool_sum(x, *windows)
    means = _means(sums, x, windows, include_padding) if divisor is None else sums / divisor
    out: Tensor = narrowed(ops, means, dtype)
    return out[0] if single else out


def _means(sums: Tensor, x: Tensor, windows: Windows, include_padding: bool) -> Tensor:
    """Sums of windows, divided by how many positions each has."""
    constant = 1
    for axis, (length, k, s, (front, _)) in enumerate(
        zip(x.shape[2:], *windows[:3], strict=True), 2
    ):
        border = front if include_padding else 0
        starts = [place * s - front for place in range(sums.shape[axis])]
        counts = [min(a + k, length + border) - max(a, -border) for a in starts]
        if len(set(counts)) == 1:
            constant *= counts[0]
        else:
            divisors = Tensor(counts, dtype=x.dtype)
            sums = sums / divisors.reshape(-1, *(1,) * (sums.ndim - 1 - axis))
    return sums / constant


# ---- norm --------------------------------------------------------------------------------


def lp_pool1d(
    input: Array,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Norm of each window of signals (N, C, L) or (C, L); see :func:`lp_pool2d`."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: Array,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Norm ``sum(x**p)**(1 / p)`` of each window of images, with ``p = norm_type``.

    Where the sum is 0, so is the gradient. If `p` is odd, or no integer, the numbers must not be
    negative. In a window that `ceil_mode` cuts off, the sum is scaled up, as if the window were
    whole.
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: Array,
    norm_type: float,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """Norm of each window of volumes (N, C, D, H, W); see :func:`lp_pool2d`."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    name: str, axes: int, input: Array, norm_type: float, kernel_size: Sizes,
    stride: Sizes | None, ceil_mode: bool,
) -> Tensor:  # fmt: skip
    where = layer_or(name)
    if not 0 < norm_type < math.inf:
        raise RangeError(where, f"norm_type={norm_type}", "Pass a positive number; it may be 2.")
    x, single = floating_images(where, axes, input)
    windows = _windows(where, x, kernel_size, stride, 0, 1, ceil_mode)
    (x,), dtype = widened(ops, x)
    sums = ops.pool_sum(x**norm_type, *windows)
    sums = _means(sums, x, windows, True) * math.prod(windows.kernel)
    nothing = sums == 0
    out: Tensor = ops.where(nothing, 0.0, ops.where(nothing, 1.0, sums) ** (1 / norm_type))
    out = narrowed(ops, out, dtype)
    return out[0] if single else out


# ---- where the windows are ---------------------------------------------------------------


def _windows(
    where: str, x: Tensor, kernel_size: Sizes, stride: Sizes | None, padding: Sizes,
    dilation: Sizes, ceil_mode: bool,
) -> Windows:  # fmt: skip
    lengths = x.shape[2:]
    axes = len(lengths)
    kernel = per_axis(where, "kernel_size", kernel_size, axes)
    steps = kernel if stride is None else per_axis(where, "stride", stride, axes)
    border = per_axis(where, "padding", padding, axes, 0)
    apart = per_axis(where, "dilation", dilation, axes)
    pads = []
    for length, k, s, p, d in zip(lengths, kernel, steps, border, apart, strict=True):
        span = d * (k - 1) + 1
        if p > span // 2:
            raise RangeError(
                where,
                f"padding={padding} for windows that span {span}",
                "Pad at most half a window, so that each meets the input.",
            )
        room = length + 2 * p - span
        places = (room + s - 1 if ceil_mode else room) // s + 1
        if ceil_mode and (places - 1) * s >= length + p:
            places -= 1  # the last window would begin behind the input
        if places < 1 or not length:
            raise ShapeError(
                where,
                f"a window that spans {span} does not fit into an input of shape {x.shape}",
                "Pass a longer input or a smaller kernel_size.",
            )
        pads.append((p, max(p, (places - 1) * s + span - length - p)))
    return Windows(kernel, steps, tuple(pads), apart)
