"""Kernels of resampling along one axis: a sparse matrix, in dense blocks along its diagonal."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import Array
from ..cubic import cubic_weights


def _linear(length: int, out: int, step: float | None, aligned: bool) -> tuple[Array, Array]:
    i = np.arange(out)
    if aligned:
        place = i * ((length - 1) / (out - 1) if out > 1 else 0.0)
    else:
        place = np.maximum((i + 0.5) * (length / out if step is None else step) - 0.5, 0)
    left = np.minimum(np.floor(place), length - 1)
    t = np.minimum(place - left, 1)
    return np.stack([left, left + 1], -1), np.stack([1 - t, t], -1)


def _cubic(length: int, out: int, step: float | None, aligned: bool) -> tuple[Array, Array]:
    i = np.arange(out)
    if aligned:
        place = i * ((length - 1) / (out - 1) if out > 1 else 0.0)
    else:
        place = (i + 0.5) * (length / out if step is None else step) - 0.5
    left = np.floor(place)
    return left[:, None] + np.arange(-1, 3), np.stack(cubic_weights(place - left), -1)


def _area(length: int, out: int, step: float | None, aligned: bool) -> tuple[Array, Array]:
    i = np.arange(out)[:, None]
    first, stop = i * length // out, -(-(i + 1) * length // out)
    taps = first + np.arange((stop - first).max())
    return taps, (taps < stop) / (stop - first)


def _nearest(shift: float, length: int, out: int, step: float | None) -> tuple[Array, Array]:
    place = np.arange(out) + shift
    # Multiplied first, a place between two numbers is exact. So it is in PyTorch, but in single
    # precision, where a few of them are rounded down.
    place = place * length / out if step is None else place * step
    return np.floor(place)[:, None], np.ones((out, 1))


TABLES: dict[str, Callable[[int, int, float | None, bool], tuple[Array, Array]]] = {
    "linear": _linear,
    "cubic": _cubic,
    "area": _area,
    "nearest": lambda length, out, step, aligned: _nearest(0.0, length, out, step),
    "nearest-exact": lambda length, out, step, aligned: _nearest(0.5, length, out, step),
}
"""By mode: the numbers of the neighbours of each output element, and their weights."""


class _Block(NamedTuple):
    """Some outputs, the inputs that they are made of, and the matrix between the two."""

    rows: slice
    columns: slice
    matrix: Array


@functools.lru_cache(maxsize=64)
def _taps(mode: str, length: int, out: int, step: float | None, aligned: bool) -> Any:
    taps, weights = TABLES[mode](length, out, step, aligned)
    return np.clip(taps, 0, length - 1).astype(np.intp), weights


@functools.lru_cache(maxsize=64)
def _blocks(
    dtype: Any, mode: str, length: int, out: int, step: float | None, aligned: bool
) -> list[_Block]:
    """The matrix in blocks of about 64 inputs each, so that few of its zeros are multiplied by."""
    taps, weights = _taps(mode, length, out, step, aligned)
    height = max(1, min(64, 64 * out // max(length, 1)))
    blocks = []
    for first in range(0, out, height):
        rows = slice(first, min(first + height, out))
        low, high = taps[rows].min(), taps[rows].max() + 1
        matrix = np.zeros((rows.stop - first, high - low))
        np.add.at(matrix, (np.arange(len(matrix))[:, None], taps[rows] - low), weights[rows])
        blocks.append(_Block(rows, slice(low, high), matrix.astype(dtype)))
    return blocks


def _floating(x: Array) -> Array:
    if x.dtype.kind != "f":
        return x.astype(np.float64)
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _folded(shape: tuple[int, ...], axis: int) -> tuple[int, int, int]:
    """The shape with all axes before `axis` as one, and all after it."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def resample(
    x: Array,
    axis: int,
    length: int,
    mode: str = "linear",
    align_corners: bool = False,
    step: float | None = None,
) -> Array:
    axis %= x.ndim
    if mode.startswith("nearest"):
        return x.take(_taps(mode, x.shape[axis], length, step, align_corners)[0][:, 0], axis)
    wide = _floating(x)
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    source = wide.reshape(_folded(x.shape, axis))
    if not np.isfinite(source).all():  # which must not spread through the zeros of a block
        taps, weights = _taps(mode, x.shape[axis], length, step, align_corners)
        pairs = zip(taps.T, weights.T.astype(wide.dtype), strict=True)
        terms = [source[:, tap] * weight[:, None] for tap, weight in pairs]
        return functools.reduce(np.add, terms).reshape(shape).astype(x.dtype, copy=False)
    out = np.empty(shape, wide.dtype)
    target = out.reshape(_folded(shape, axis))
    blocks = _blocks(wide.dtype, mode, x.shape[axis], length, step, align_corners)
    for rows, columns, matrix in blocks:
        if target.shape[2] == 1:
            np.matmul(source[:, columns, 0], matrix.T, out=target[:, rows, 0])
        else:
            np.matmul(matrix, source[:, columns], out=target[:, rows])
    return out.astype(x.dtype) if x.dtype == np.float16 else out


def resample_adjoint(
    x: Array,
    axis: int,
    length: int,
    mode: str = "linear",
    align_corners: bool = False,
    step: float | None = None,
) -> Array:
    axis %= x.ndim
    wide = _floating(x)
    shape = (*x.shape[:axis], length, *x.shape[axis + 1 :])
    out = np.zeros(shape, wide.dtype)
    source, target = wide.reshape(_folded(x.shape, axis)), out.reshape(_folded(shape, axis))
    blocks = _blocks(wide.dtype, mode, length, x.shape[axis], step, align_corners)
    for rows, columns, matrix in blocks:
        if target.shape[2] == 1:
            target[:, columns, 0] += source[:, rows, 0] @ matrix
        else:
            target[:, columns] += np.matmul(matrix.T, source[:, rows])
    return out.astype(x.dtype) if x.dtype == np.float16 else out
