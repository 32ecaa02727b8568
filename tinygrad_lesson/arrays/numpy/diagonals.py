"""Kernels of triangles and diagonals."""

from __future__ import annotations

import numpy as np

from .. import Array


def _matrices(x: Array) -> Array:
    if x.ndim < 2:
        raise ValueError("a matrix has two axes")  # NumPy would make one of it
    return x


def tril(x: Array, k: int = 0) -> Array:
    return np.tril(_matrices(x), k)


def triu(x: Array, k: int = 0) -> Array:
    return np.triu(_matrices(x), k)


def diagonal(x: Array, offset: int = 0, axis1: int = -2, axis2: int = -1) -> Array:
    return _matrices(x).diagonal(offset, axis1, axis2)


def on_diagonal(
    x: Array, shape: tuple[int, ...], offset: int = 0, axis1: int = -2, axis2: int = -1
) -> Array:
    out = np.zeros(shape, x.dtype)
    places = out.diagonal(offset, axis1, axis2)
    places.flags.writeable = True  # NumPy hands out diagonals read-only, to be careful
    if places.shape != x.shape:
        raise ValueError(f"the diagonal has shape {places.shape}")
    places[...] = x
    return out
