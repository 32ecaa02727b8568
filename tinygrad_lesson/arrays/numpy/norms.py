"""Kernels of norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import Array
from .reduction import Axis, floating, in_rows, min, narrowed, sum, sum_of_products


def vector_norm(x: Array, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Array:
    wide = floating(x)
    if ord == 0:
        out = sum((wide != 0).astype(wide.dtype), axis, keepdims)
    elif ord == 1:
        out = sum(np.abs(wide), axis, keepdims)
    elif ord == 2:
        out = _reduced(_euclidean(wide, axis), axis, keepdims)
    elif ord == math.inf:
        out = np.max(np.abs(wide), axis=axis, keepdims=keepdims, initial=0)  # of nothing, 0
    elif ord == -math.inf:
        out = min(np.abs(wide), axis, keepdims)
    else:
        out = _of_powers(np.abs(wide), axis, keepdims, ord)
    return narrowed(out, x)


def _euclidean(x: Array, axis: Axis) -> Array:
    """The length along `axis`, which is kept; squares that leave the range are found again."""
    with np.errstate(over="ignore", under="ignore"):
        squares = sum_of_products(x, x, axis)
    out, limits = np.sqrt(squares), np.finfo(x.dtype)
    wrong = ~((squares > limits.tiny / limits.eps) & (squares < math.inf))
    if not np.any(wrong):
        return out
    if not in_rows(x, axis):
        return _scaled_euclidean(x, axis)
    rows = wrong[..., 0]
    out[rows] = _scaled_euclidean(x[rows], -1)
    return out


def _scaled_euclidean(x: Array, axis: Axis) -> Array:
    """The same where a square is too large or too small."""
    unit = _unit(np.abs(x), axis)
    scaled = x / unit
    return np.sqrt(sum_of_products(scaled, scaled, axis)) * unit


def _of_powers(size: Array, axis: Axis, keepdims: bool, ord: float) -> Array:
    if ord < 0:
        with np.errstate(divide="ignore"):
            return sum(size**ord, axis, keepdims) ** (1 / ord)
    unit = _unit(size, axis)
    out = sum((size / unit) ** ord, axis, True) ** (1 / ord) * unit
    return _reduced(out, axis, keepdims)


def _unit(size: Array, axis: Axis) -> Array:
    """The largest magnitude along `axis`, in units of which powers cannot overflow."""
    top = np.max(size, axis=axis, keepdims=True, initial=0)
    return np.where((top > 0) & (top < math.inf), top, 1)


def _reduced(out: Array, axis: Axis, keepdims: bool) -> Array:
    """`out` without the axes that were kept."""
    return out if keepdims or not out.ndim else out.squeeze(axis)
