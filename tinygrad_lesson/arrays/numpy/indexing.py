"""Kernels that choose elements by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import SLOT, Array


def _filled(index: tuple[Any, ...], arrays: tuple[Array, ...]) -> tuple[Any, ...]:
    """The index that NumPy understands: the skeleton with its arrays in place."""
    if not arrays:
        return index
    following: Iterator[Array] = iter(arrays)
    return tuple(next(following) if item is SLOT else item for item in index)


def getitem(x: Array, *indices: Array, index: tuple[Any, ...]) -> Array:
    return x[_filled(index, indices)]


def add_at(values: Array, *indices: Array, index: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    out = np.zeros(shape, values.dtype)
    if indices:
        np.add.at(out, _filled(index, indices), values)
    else:
        out[index] = values  # slices never name an element twice
    return out


def setitem(x: Array, values: Array, *indices: Array, index: tuple[Any, ...]) -> Array:
    if not np.can_cast(np.asarray(values).dtype, x.dtype, "same_kind"):
        raise TypeError("the values would be cut")  # NumPy would do it without a word
    out = np.array(x)
    out[_filled(index, indices)] = values
    return out


def last_written(*indices: Array, index: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    full = _filled(index, indices)
    writer = np.empty(shape, np.intp)
    numbers = np.arange(writer[full].size).reshape(writer[full].shape)
    writer[full] = numbers
    return writer[full] == numbers


def take(x: Array, indices: Array, axis: int | None = None) -> Array:
    if axis is None and x.ndim != 1:
        raise ValueError("an array that is not 1-D needs an axis")
    return x.take(indices, axis=axis)


def one_hot(x: Array, num_classes: int, dtype: Any = np.float32) -> Array:
    if x.dtype.kind not in "iu":
        raise TypeError(f"class numbers are integers, not {x.dtype}")
    if x.size and (x.min() < 0 or x.max() >= num_classes):
        raise IndexError(f"class {x.max()} (or {x.min()}) is out of bounds for {num_classes}")
    return np.equal(x[..., None], np.arange(num_classes)).astype(dtype)
