"""The vocabulary on NumPy: the namespace that ops run on unless a tracer is at work.

Functions that NumPy has under the standard's name are NumPy's own. The rest are here, most of
them to skip a Python-level wrapper of NumPy's that costs more than a small kernel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy import add as add
from numpy import bitwise_and as bitwise_and
from numpy import bitwise_invert as bitwise_invert
from numpy import bitwise_or as bitwise_or
from numpy import bitwise_xor as bitwise_xor
from numpy import ceil as ceil
from numpy import clip as clip
from numpy import copy as copy
from numpy import cos as cos
from numpy import divide as divide
from numpy import equal as equal
from numpy import exp as exp
from numpy import expand_dims as expand_dims
from numpy import expm1 as expm1
from numpy import flip as flip
from numpy import floor as floor
from numpy import floor_divide as floor_divide
from numpy import full_like as full_like
from numpy import greater as greater
from numpy import greater_equal as greater_equal
from numpy import isfinite as isfinite
from numpy import isinf as isinf
from numpy import isnan as isnan
from numpy import less as less
from numpy import less_equal as less_equal
from numpy import log as log
from numpy import log1p as log1p
from numpy import logical_and as logical_and
from numpy import logical_not as logical_not
from numpy import logical_or as logical_or
from numpy import logical_xor as logical_xor
from numpy import maximum as maximum
from numpy import minimum as minimum
from numpy import multiply as multiply
from numpy import negative as negative
from numpy import not_equal as not_equal
from numpy import ones_like as ones_like
from numpy import remainder as remainder
from numpy import round as round
from numpy import sign as sign
from numpy import sin as sin
from numpy import sqrt as sqrt
from numpy import square as square
from numpy import subtract as subtract
from numpy import tan as tan
from numpy import tanh as tanh
from numpy import trunc as trunc
from numpy import where as where
from numpy import zeros_like as zeros_like

from . import SLOT, Array

Axis = int | tuple[int, ...] | None

abs = np.absolute

_sum: Callable[..., Array] = np.add.reduce  # np.sum and its like are twice as slow on small arrays
_prod: Callable[..., Array] = np.multiply.reduce
_max: Callable[..., Array] = np.maximum.reduce
_min: Callable[..., Array] = np.minimum.reduce
_any: Callable[..., Array] = np.logical_or.reduce
_all: Callable[..., Array] = np.logical_and.reduce


def pow(x: Array, y: Array) -> Array:
    return x**y  # the operator has fast paths for small constant exponents


def reciprocal(x: Array) -> Array:
    return 1 / x  # np.reciprocal truncates integers


def astype(x: Array, dtype: Any) -> Array:
    if np.dtype(dtype).kind not in "biuf":
        raise TypeError("tensors hold booleans, integers and floats")
    return x.astype(dtype)


# ---- activations -------------------------------------------------------------------------

# exp(-x) must not overflow: it would warn. Past the limit the sigmoid is 0 to the last bit.
# (The limit and the 1, by dtype, are 0-d arrays: NumPy converts them faster than scalars.)
_SIGMOID = {t: (np.array(math.floor(math.log(np.finfo(t).max)), t), np.array(1, t)) for t in "efd"}


def sigmoid(x: Array) -> Array:
    constants = _SIGMOID.get(x.dtype.char)
    if constants is None:  # integers
        return sigmoid(x.astype(np.float64))
    limit, one = constants
    e = np.exp(np.minimum(np.negative(x), limit))
    e += one
    return np.reciprocal(e)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


# ---- reductions --------------------------------------------------------------------------


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


# ---- movement ----------------------------------------------------------------------------


def reshape(x: Array, shape: int | tuple[int, ...]) -> Array:
    return x.reshape(shape)


def permute_dims(x: Array, axes: tuple[int, ...] | None = None) -> Array:
    return x.transpose(axes)


def matrix_transpose(x: Array) -> Array:
    return x.mT


def squeeze(x: Array, axis: Axis) -> Array:
    return x.squeeze(axis)


def broadcast_to(x: Array, shape: int | tuple[int, ...]) -> Array:
    if x.ndim == 0 and type(shape) is tuple:
        # What the gradient of a sum does: ten times faster than NumPy's wrapper.
        return np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    return np.broadcast_to(x, shape)


def concat(arrays: Sequence[Array], axis: int | None = 0) -> Array:
    return np.concatenate(arrays, axis=axis)


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    return np.stack(arrays, axis=axis, dtype=np.result_type(*arrays))


# ---- products ----------------------------------------------------------------------------


def matmul(x: Array, y: Array) -> Array:
    if y.ndim == 2:
        if x.ndim == 2:
            return x.dot(y)  # half the overhead of np.matmul
        if x.ndim > 2:  # one large product instead of one for each matrix of x
            rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
            return np.dot(rows, y).reshape(*x.shape[:-1], y.shape[-1])
    return np.matmul(x, y)


# ---- indexing ----------------------------------------------------------------------------


def _filled(index: tuple[Any, ...], arrays: tuple[Array, ...]) -> tuple[Any, ...]:
    """The index that NumPy understands: the skeleton with its arrays in place."""
    if not arrays:
        return index
    following: Iterator[Array] = iter(arrays)
    return tuple(next(following) if item is SLOT else item for item in index)


def getitem(x: Array, *indices: Array, index: tuple[Any, ...]) -> Array:
    return x[_filled(index, indices)]


def scatter_add(
    values: Array, *indices: Array, index: tuple[Any, ...], shape: tuple[int, ...]
) -> Array:
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
