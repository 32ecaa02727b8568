"""Kernels that put elements in another order, or several times."""

from __future__ import annotations

import numpy as np

from .. import Array


def roll(
    x: Array, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None
) -> Array:
    shifts = shift if isinstance(shift, tuple) else (shift,)
    if not all(isinstance(s, int | np.integer) for s in shifts):
        raise TypeError("shifts are integers")  # NumPy would cut them without a word
    if not isinstance(shift, int) or not isinstance(axis, int) or not -x.ndim <= axis < x.ndim:
        return np.roll(x, shift, axis)
    length = x.shape[axis]
    start = -shift % length if length else 0
    if not start:
        return x
    before = (slice(None),) * (axis % x.ndim)
    parts = (x[(*before, slice(start, None))], x[(*before, slice(None, start))])
    return np.concatenate(parts, axis)  # half the time of np.roll


def repeat(x: Array, repeats: Array, axis: int | None = None) -> Array:
    repeats = np.asarray(repeats)
    if repeats.size and repeats.dtype.kind not in "iu":
        raise TypeError("repeats are integers")
    if axis is not None and not x.ndim:
        raise np.exceptions.AxisError(axis, 0)  # NumPy would take it for a vector
    return np.repeat(x, repeats.astype(np.intp, copy=False), axis)


def sum_repeated(x: Array, repeats: Array, length: int, axis: int = 0) -> Array:
    counts = np.broadcast_to(repeats, (length,))
    if counts.sum() != x.shape[axis]:
        raise ValueError(f"runs of {counts.sum()} elements in all")
    shape = list(x.shape)
    shape[axis] = length
    out = np.zeros(shape, x.dtype)
    filled = counts > 0
    if filled.any():  # np.add.reduceat takes no empty runs
        starts = (np.cumsum(counts) - counts)[filled]
        before = (slice(None),) * (axis % x.ndim)
        out[(*before, filled)] = np.add.reduceat(x, starts, axis)
    return out
