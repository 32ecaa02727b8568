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
