"""Kernels of products."""

from __future__ import annotations

import math

import numpy as np

from .. import Array


def matmul(x: Array, y: Array) -> Array:
    if y.ndim == 2:
        if x.ndim == 2:
            return x.dot(y)  # half the overhead of np.matmul
        if x.ndim > 2:  # one large product instead of one for each matrix of x
            rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
            return np.dot(rows, y).reshape(*x.shape[:-1], y.shape[-1])
    return np.matmul(x, y)


def affine(x: Array, weight: Array, bias: Array) -> Array:
    out = np.asarray(matmul(x, weight.T))
    if out.dtype != np.result_type(out, bias):
        return out + bias
    out += bias
    return out


def vecdot(x1: Array, x2: Array, axis: int = -1) -> Array:
    return np.vecdot(x1, x2, axis=_from_the_end(x1, x2, axis))  # type: ignore[call-overload]


def cross(x1: Array, x2: Array, axis: int = -1) -> Array:
    return np.linalg.cross(x1, x2, axis=_from_the_end(x1, x2, axis))


def _from_the_end(x1: Array, x2: Array, axis: int) -> int:
    """The axis of vectors, counted as it must be where shapes are lined up from the right."""
    if axis >= 0 and x1.ndim != x2.ndim:
        raise ValueError("count the axis from the end")
    return axis if axis < 0 or axis >= x1.ndim else axis - x1.ndim
