"""Kernels of movement ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import Array

Axis = int | tuple[int, ...] | None
FEW = 512


def astype(x: Array, dtype: Any) -> Array:
    if np.dtype(dtype).kind not in "biuf":
        raise TypeError("tensors hold booleans, integers and floats")
    return x.astype(dtype)


def reshape(x: Array, shape: int | tuple[int, ...], copy: bool | None = None) -> Array:
    return x.reshape(shape) if copy is not False else x.reshape(shape, copy=False)


def permute_dims(x: Array, axes: tuple[int, ...] | None = None) -> Array:
    return x.transpose(axes)


def matrix_transpose(x: Array) -> Array:
    return x.mT


def squeeze(x: Array, axis: Axis) -> Array:
    return x.squeeze(axis)


def broadcast_to(x: Array, shape: int | tuple[int, ...]) -> Array:
    if x.ndim or type(shape) is not tuple:
        return np.broadcast_to(x, shape)
    # What the gradient of a sum does: ten times faster than NumPy's wrapper. Few numbers are
    # written out, because a ufunc takes longer to find its way through a view without strides.
    if math.prod(shape) > FEW:
        return np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    out = np.empty(shape, x.dtype)
    out.fill(x)
    return out


def concat(arrays: Sequence[Array], axis: int | None = 0) -> Array:
    return np.concatenate(arrays, axis=axis)


def stack(arrays: Sequence[Array], axis: int = 0) -> Array:
    return np.stack(arrays, axis=axis, dtype=np.result_type(*arrays))
