"""Pooling into as many windows as asked for, whatever the length of the input."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...arrays import Array
from ...errors import ShapeError
from ...tensor import Tensor
from .images import floating_images, per_axis
from .place import layer_or
from .pooling import Pooled, Windows, flat_places


def adaptive_max_pool1d(input: Array, output_size: Any, return_indices: bool = False) -> Pooled:
    """Largest number in each of `output_size` parts of signals; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Array, output_size: Any, return_indices: bool = False) -> Pooled:
    """Largest number in each part of images; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Array, output_size: Any, return_indices: bool = False) -> Pooled:
    """Largest number in each part of volumes; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_avg_pool1d(input: Array, output_size: Any) -> Tensor:
    """Mean of each of `output_size` parts of signals; see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Array, output_size: Any) -> Tensor:
    """Mean of each part of images, which are split into as many parts as asked for.

    Part i of n along an axis of length L goes from ``floor(i L / n)`` to ``ceil((i + 1) L / n)``;
    neighbours share an element where n does not divide L.

    Parameters
    ----------
    input
        Shape (N, C, H, W) or (C, H, W).
    output_size
        The number of parts: one integer, or one for each axis, where None keeps the length.

    Returns
    -------
    Tensor
        Shape (N, C, *output_size).
    """
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Array, output_size: Any) -> Tensor:
    """Mean of each part of volumes (N, C, D, H, W); see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


def _parts(where: str, x: Tensor, output_size: Any) -> list[list[range]]:
    """For each axis after the first two, the positions in each part."""
    lengths = x.shape[2:]
    given = output_size if isinstance(output_size, tuple | list) else (output_size,) * len(lengths)
    kept = [n if m is None else m for m, n in zip(given, lengths, strict=False)]
    sizes = per_axis(where, "output_size", kept if len(kept) == len(given) else given, len(lengths))
    if 0 in lengths:
        raise ShapeError(where, f"shape {x.shape} has no elements", "Pass a longer input.")
    return [
        [range(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]
        for length, size in zip(lengths, sizes, strict=True)
    ]


def _adaptive_avg(name: str, axes: int, input: Array, output_size: Any) -> Tensor:
    where = layer_or(name)
    x, single = floating_images(where, axes, input)
    out = x
    for axis, parts in enumerate(_parts(where, x, output_size), 2):
        length = x.shape[axis]
        if length % len(parts) == 0:
            size = length // len(parts)
            split = out.reshape(*out.shape[:axis], len(parts), size, *out.shape[axis + 1 :])
            out = split.mean(axis=axis + 1)
        else:
            shares = [[(i in part) / len(part) for part in parts] for i in range(length)]
            means = ops.moveaxis(out, axis, -1) @ Tensor(shares, dtype=x.dtype)
            out = ops.moveaxis(means, -1, axis)
    return out[0] if single else out


def _adaptive_max(
    name: str, axes: int, input: Array, output_size: Any, return_indices: bool
) -> Pooled:
    where = layer_or(name)
    x, single = floating_images(where, axes, input)
    # Parts of different lengths become windows of one length: shorter ones repeat their last
    # element, which as the later one of equals is never chosen.
    laid_out, positions = x, []
    for axis, parts in enumerate(_parts(where, x, output_size), 2):
        size = max(map(len, parts))
        positions.append([[min(p, part[-1]) for p in range(part[0], part[0] + size)]
                          for part in parts])  # fmt: skip
        if len(parts) * size != x.shape[axis]:
            joined = [p for window in positions[-1] for p in window]
            laid_out = ops.take(laid_out, Tensor(joined), axis=axis)
    kernel = tuple(len(windows[0]) for windows in positions)
    windows = Windows(kernel, kernel, ((0, 0),) * axes, (1,) * axes)
    if not return_indices:
        out = ops.pool_max(laid_out, *windows)
        return out[0] if single else out
    taps = ops.pool_argmax(laid_out.detach(), *windows)
    out = ops.pool_pick(laid_out, taps, *windows)
    indices = flat_places(taps, positions, x.shape[2:])
    return (out[0], indices[0]) if single else (out, indices)
