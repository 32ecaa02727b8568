"""Kernels of reductions.

The ufuncs' own ``reduce`` is taken: np.sum and its like are twice as slow on small arrays.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import Array

Axis = int | tuple[int, ...] | None

_sum: Callable[..., Array] = np.add.reduce
_prod: Callable[..., Array] = np.multiply.reduce
_max: Callable[..., Array] = np.maximum.reduce
_min: Callable[..., Array] = np.minimum.reduce
_any: Callable[..., Array] = np.logical_or.reduce
_all: Callable[..., Array] = np.logical_and.reduce


def floating(x: Array) -> Array:
    """Integers in double precision, and half precision in single."""
    if x.dtype.kind != "f":
        return x.astype(np.float64)
    return x.astype(np.float32) if x.dtype == np.float16 else x


def narrowed(out: Array, *inputs: Array) -> Array:
    """`out`, found in single precision, in half precision if all inputs were."""
    half = builtins.all(x.dtype == np.float16 for x in inputs)
    return out.astype(np.float16) if half else out


def of_tensors(dtype: Any) -> Any:
    """`dtype`, which must be one that tensors have."""
    if dtype is not None and np.dtype(dtype).kind not in "biuf":
        raise TypeError("tensors hold booleans, integers and floats")
    return dtype


def sum(x: Array, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    if dtype is not None:
        of_tensors(dtype)
    return _sum(x, axis, dtype, None, keepdims)  # by position: a tenth less for one number


SHORT = 1024
"""Rows so long are summed up by BLAS without a loss of accuracy, and much faster."""


def in_rows(x: Array, axis: Axis) -> bool:
    """Whether the last axis alone is reduced, and there is something."""
    return x.size > 0 and x.ndim > 0 and (axis == -1 or axis == x.ndim - 1)


def in_short_rows(x: Array, axis: Axis) -> bool:
    """Whether BLAS may sum up along `axis`."""
    return in_rows(x, axis) and x.shape[-1] <= SHORT


def sum_of_products(x: Array, y: Array, axis: Axis) -> Array:
    """The sum of ``x * y`` along `axis`, which is kept."""
    if in_short_rows(x, axis) and x.shape == y.shape:
        return np.vecdot(x, y)[..., None]
    return sum(x * y, axis=axis, keepdims=True)


def prod(x: Array, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    return _prod(x, axis=axis, keepdims=keepdims, dtype=of_tensors(dtype))


def max(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return _max(x, axis=axis, keepdims=keepdims)


def min(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return _min(x, axis=axis, keepdims=keepdims)


def any(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return _any(x, axis=axis, keepdims=keepdims)


def all(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return _all(x, axis=axis, keepdims=keepdims)


def argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    return np.argmax(x, axis=axis, keepdims=keepdims)


def argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    return np.argmin(x, axis=axis, keepdims=keepdims)


def count_nonzero(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))


def _total(x: Array, axis: Axis, keepdims: bool) -> tuple[Array, int]:
    """Sum in at least single precision, and how many numbers went into each."""
    wide = np.float32 if x.dtype == np.float16 else None
    total = _sum(x, axis=axis, keepdims=keepdims, dtype=wide)
    return total, x.size // total.size if total.size else 0


def _first(x: Array, axis: Axis) -> Array:
    """The first element along `axis`, which is kept."""
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = {a % x.ndim for a in axes} if x.ndim else ()
    return x[tuple(slice(0, 1) if a in reduced else slice(None) for a in range(x.ndim))]


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    total, count = _total(x, axis, keepdims)
    return narrowed(np.divide(total, count), x)


def _variance(x: Array, axis: Axis, correction: float, keepdims: bool) -> Array:
    """The variance in at least single precision."""
    # Less the first element, so that the deviations of equal numbers are 0 without rounding.
    wide = floating(x)
    deviation = np.asarray(wide - _first(wide, axis))
    deviation -= mean(deviation, axis=axis, keepdims=True)
    total, count = _total(np.multiply(deviation, deviation, out=deviation), axis, keepdims)
    return np.divide(total, count - correction if count > correction else 0)


def var(x: Array, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    return narrowed(_variance(x, axis, correction, keepdims), x)


def std(x: Array, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    return narrowed(np.sqrt(_variance(x, axis, correction, keepdims)), x)
