"""Kernels of reductions.

The ufuncs' own ``reduce`` is taken: np.sum and its like are twice as slow on small arrays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import Array

Axis = int | tuple[int, ...] | None

_sum: Callable[..., Array] = np.add.reduce
_prod: Callable[..., Array] = np.multiply.reduce
_max: Callable[..., Array] = np.maximum.reduce
_min: Callable[..., Array] = np.minimum.reduce
_any: Callable[..., Array] = np.logical_or.reduce
_all: Callable[..., Array] = np.logical_and.reduce


def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return _sum(x, axis=axis, keepdims=keepdims)


def prod(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    return _prod(x, axis=axis, keepdims=keepdims)


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


def _total(x: Array, axis: Axis, keepdims: bool) -> tuple[Array, int]:
    """Sum in at least single precision, and how many numbers went into each."""
    wide = np.float32 if x.dtype == np.float16 else None
    total = _sum(x, axis=axis, keepdims=keepdims, dtype=wide)
    return total, x.size // total.size if total.size else 0


def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    total, count = _total(x, axis, keepdims)
    out = np.divide(total, count)
    return out.astype(x.dtype) if x.dtype == np.float16 else out


def var(x: Array, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Array:
    deviation = x - mean(x, axis=axis, keepdims=True)
    total, count = _total(deviation * deviation, axis, keepdims)
    out = np.divide(total, count - correction if count > correction else 0)
    return out.astype(x.dtype) if x.dtype == np.float16 else out


def _floating(x: Array) -> Array:
    """Integers as double precision: unsigned ones would wrap around in a difference."""
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    x = _floating(x)
    top = max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # inf - inf would be NaN
    out = np.log(sum(np.exp(x - top), axis=axis, keepdims=keepdims))
    return out + (top if keepdims else top.reshape(out.shape))


def softmax(x: Array, axis: int = -1) -> Array:
    x = _floating(x)
    e = np.exp(x - max(x, axis=axis, keepdims=True))
    return e / sum(e, axis=axis, keepdims=True)


def log_softmax(x: Array, axis: int = -1) -> Array:
    x = _floating(x)
    shifted = x - max(x, axis=axis, keepdims=True)
    return shifted - np.log(sum(np.exp(shifted), axis=axis, keepdims=True))
