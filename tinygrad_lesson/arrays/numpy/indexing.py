"""Kernels that choose elements by number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import SLOT, Array

ONE_ARRAY = (SLOT,)


def _filled(index: tuple[Any, ...], arrays: tuple[Array, ...]) -> tuple[Any, ...]:
    """The index that NumPy understands: the skeleton with its arrays in place."""
    if not arrays:
        return index
    following: Iterator[Array] = iter(arrays)
    return tuple(next(following) if item is SLOT else item for item in index)


def getitem(x: Array, *indices: Array, index: tuple[Any, ...]) -> Array:
    if index == ONE_ARRAY and indices[0].dtype.kind in "iu":
        return take(x, indices[0], axis=0)  # half the time
    return x[_filled(index, indices)]


def add_at(values: Array, *indices: Array, index: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    if not indices:
        out = np.zeros(shape, values.dtype)
        out[index] = values  # slices never name an element twice
        return out
    if values.dtype == np.float16:  # sums of many halves would stand still
        wide = values.astype(np.float32)
        return add_at(wide, *indices, index=index, shape=shape).astype(np.float16)
    if not values.size:  # nothing to add, and NumPy's take lets any number select nothing
        return np.zeros(shape, values.dtype)
    full, size = _filled(index, indices), math.prod(shape)
    if values.size >= MANY and values.dtype.kind != "b":
        if len(indices) == len(index):
            return _add_rows(values, _row_numbers(indices, shape), shape, len(index))
        if values.size >= size // 16:  # np.add.at is fast in one axis only
            places = np.arange(size).reshape(shape)[full]
            spread = np.broadcast_to(values, places.shape)
            return _add_rows(spread, places, (size,), 1).reshape(shape)
    out = np.zeros(shape, values.dtype)
    np.add.at(out, full, values)
    return out


MANY = 1 << 10
"""From so many numbers on, it pays to turn an index of several arrays into one."""

SPARSE_PAYS = 1 << 14
"""From so many numbers on, a sparse product is faster than np.add.at (twice to ten times)."""


def _from_the_front(indices: Array, length: int, axis: int) -> Array:
    """Indices that may count from the end, as places from 0; all of them must exist."""
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise TypeError("arrays used as indices must be of integer type")
    if indices.size:
        low, high = indices.min(), indices.max()
        if low < -length or high >= length:
            wrong = high if high >= length else low
            raise IndexError(f"index {wrong} is out of bounds for axis {axis} with size {length}")
        if low < 0:
            return np.where(indices < 0, indices + length, indices)
    return indices.astype(np.intp, copy=False)


def _row_numbers(indices: tuple[Array, ...], shape: tuple[int, ...]) -> Array:
    """The numbers, from 0, of what `indices` select along the first axes, taken as one."""
    rows: Any = 0
    for axis, (given, length) in enumerate(zip(indices, shape, strict=False)):
        rows = rows * length + _from_the_front(given, length, axis)
    return rows


def _add_rows(values: Array, rows: Array, shape: tuple[int, ...], consumed: int) -> Array:
    """Sum up rows of the same number: what the gradient of an embedding does.

    The first `consumed` axes of `shape` are numbered by `rows`.
    """
    count, rest = math.prod(shape[:consumed]), shape[consumed:]
    width = math.prod(rest)
    flat = np.broadcast_to(values, rows.shape + rest).reshape(rows.size, width)
    rows = rows.reshape(-1)
    if width > 1:
        if flat.size >= SPARSE_PAYS and (summed := _sparse_sum(flat, rows, count)) is not None:
            return summed.reshape(shape)
        rows = (rows[:, None] * width + np.arange(width)).reshape(-1)
    out = np.zeros(count * width, values.dtype)
    np.add.at(out, rows, flat.reshape(-1))
    return out.reshape(shape)


def _sparse_sum(values: Array, rows: Array, count: int) -> Array | None:
    """The same sums, in the same order, as a product with a sparse matrix of ones."""
    try:
        from scipy.sparse import csc_array
    except ImportError:
        return None
    ones, starts = np.ones(rows.size, values.dtype), np.arange(rows.size + 1)
    return csc_array((ones, rows, starts), shape=(count, rows.size)) @ values


def setitem(x: Array, values: Array, *indices: Array, index: tuple[Any, ...]) -> Array:
    if not np.can_cast(np.asarray(values).dtype, x.dtype, "same_kind"):
        raise TypeError("the values would be cut")  # NumPy would do it without a word
    out = np.array(x)
    if indices:
        values = np.asarray(values, order="C")
    out[_in_order(index, indices)] = values
    return out


def _in_order(index: tuple[Any, ...], arrays: tuple[Array, ...]) -> tuple[Any, ...]:
    """The same for a write: NumPy goes through arrays as they lie in memory, and the last wins."""
    return _filled(index, tuple(np.asarray(array, order="C") for array in arrays))


def last_written(*indices: Array, index: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    full = _in_order(index, indices)
    writer = np.empty(shape, np.intp)
    numbers = np.arange(writer[full].size).reshape(writer[full].shape)
    writer[full] = numbers
    return writer[full] == numbers


def take(x: Array, indices: Array, axis: int | None = None) -> Array:
    if axis is None and x.ndim != 1:
        raise ValueError("an array that is not 1-D needs an axis")
    if getattr(indices, "dtype", None) == np.uint64:  # NumPy indexes with them, but cannot take
        indices = indices.astype(np.intp)
    return x.take(indices, axis=axis)


def one_hot(x: Array, num_classes: int, dtype: Any = np.float32) -> Array:
    if x.dtype.kind not in "iu":
        raise TypeError(f"class numbers are integers, not {x.dtype}")
    if x.size and (x.min() < 0 or x.max() >= num_classes):
        raise IndexError(f"class {x.max()} (or {x.min()}) is out of bounds for {num_classes}")
    return np.equal(x[..., None], np.arange(num_classes)).astype(dtype)


def take_along_axis(x: Array, indices: Array, axis: int = -1) -> Array:
    return np.take_along_axis(x, indices, axis)


def places_along_axis(indices: Array, shape: tuple[int, ...], axis: int = -1) -> Array:
    axis %= len(shape)
    if indices.ndim != len(shape) or any(
        n > length
        for a, (n, length) in enumerate(zip(indices.shape, shape, strict=True))
        if a != axis
    ):
        raise ValueError("the indices reach beyond the array")
    rows = _from_the_front(indices, shape[axis], axis)
    grid = np.ogrid[tuple(slice(n) for n in indices.shape)]
    return np.ravel_multi_index([*grid[:axis], rows, *grid[axis + 1 :]], shape)


def add_along_axis(values: Array, indices: Array, shape: tuple[int, ...], axis: int = -1) -> Array:
    common = np.broadcast_shapes(values.shape, indices.shape)
    places = places_along_axis(np.broadcast_to(indices, common), shape, axis).reshape(-1)
    flat = np.broadcast_to(values, common).reshape(-1)
    return add_at(flat, places, index=ONE_ARRAY, shape=(math.prod(shape),)).reshape(shape)


UFUNCS = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def reduce_at(x: Array, values: Array, indices: Array, reduce: str = "prod") -> Array:
    out = np.array(x)
    UFUNCS[reduce].at(out, indices, values)
    return out
