"""Kernels of the softmax and its like.

Exponentials are taken of the numbers as they are. Only where that costs accuracy is the maximum
subtracted first: finding it in short rows takes longer than they do.
"""

from __future__ import annotations

import numpy as np

from .. import Array
from .reduction import Axis, floating, in_rows, in_short_rows, max, narrowed, sum, sum_of_products
from .rows import by_row

SAFE = 30.0
"""exp(SAFE) is far from the ends of single precision."""

MANY = 1 << 16
"""Numbers: it is worth while to do without the maxima of their short rows."""

NEARLY_ALL = -1e-3
"""The logarithm of the share of a number that leaves little to the others."""

FEW = 16
"""Classes: so short rows become columns, whose maximum is found up to three times faster."""


def _tops(x: Array, axis: Axis) -> Array:
    """The maximum along `axis`, which is kept; 0 of nothing."""
    if not x.size:
        return sum(x, axis=axis, keepdims=True)
    if not (in_rows(x, axis) and x.flags.c_contiguous):
        return max(x, axis=axis, keepdims=True)
    if x.shape[-1] <= FEW:
        columns = np.ascontiguousarray(x.reshape(-1, x.shape[-1]).T)
        return np.maximum.reduce(columns).reshape(*x.shape[:-1], 1)
    starts = np.arange(0, x.size, x.shape[-1])
    return np.maximum.reduceat(x.reshape(-1), starts).reshape(*x.shape[:-1], 1)


def _sums(x: Array, axis: Axis) -> Array:
    """The sum along `axis`, which is kept; BLAS is faster than ``reduce`` for short rows."""
    if not in_short_rows(x, axis):
        return sum(x, axis=axis, keepdims=True)
    return np.matmul(x, np.ones((x.shape[-1], 1), x.dtype))


def exponentials(x: Array, axis: Axis) -> tuple[Array, Array | None]:
    """``exp(x)``, and the sums of it unless the logarithm of one is beyond SAFE."""
    with np.errstate(over="ignore"):
        e = np.asarray(np.exp(x))
        total = _sums(e, axis)
    usual = (
        e.size
        and np.minimum.reduce(total, axis=None) > np.exp(-SAFE)
        and np.maximum.reduce(total, axis=None) < np.exp(SAFE)
    )
    return e, total if usual else None


def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    wide = floating(x)
    e, total = exponentials(wide, axis)
    if total is not None:
        out = np.log(total)
    else:
        top = _tops(wide, axis)
        top = np.where(np.isfinite(top), top, 0)  # inf - inf would be NaN
        np.exp(np.subtract(wide, top, out=e), out=e)
        with np.errstate(divide="ignore"):  # of nothing, or nothing but -inf, it is -inf
            out = np.log(_sums(e, axis)) + top
    return narrowed(out if keepdims or not out.ndim else out.squeeze(axis), x)


def softmax(x: Array, axis: int = -1) -> Array:
    wide = floating(x)
    e, total = exponentials(wide, axis)
    if total is None:
        by_row(np.subtract, wide, _tops(wide, axis), e)
        total = _sums(np.exp(e, out=e), axis)
    return narrowed(by_row(np.divide, e, total, e), x)


def softmax_grad(slope: Array, shares: Array, axis: int = -1) -> Array:
    g, p = floating(slope), floating(shares)
    out = np.asarray(by_row(np.subtract, g, sum_of_products(g, p, axis)))
    return narrowed(np.multiply(out, p, out=out), slope, shares)


def log_softmax(x: Array, axis: int = -1) -> Array:
    wide = floating(x)
    if not wide.size:
        return narrowed(np.array(wide), x)
    out = _without_tops(wide) if _has_slow_tops(wide, axis) else None
    if out is None:
        out = np.asarray(by_row(np.subtract, wide, _tops(wide, axis)))  # exact where one takes all
        by_row(np.subtract, out, np.log(_sums(np.exp(out), axis)), out)
    return narrowed(out, x)


def _has_slow_tops(x: Array, axis: int) -> bool:
    """Whether to find the maxima takes as long as all the rest; single precision only."""
    if not (x.dtype == np.float32 and x.size >= MANY and x.flags.c_contiguous):
        return False
    return in_rows(x, axis) and FEW < x.shape[-1] <= 256


def _without_tops(x: Array) -> Array | None:
    """The log_softmax along rows, as exact as with their maxima; None if that may overflow."""
    e, total = exponentials(x, -1)
    if total is None:
        return None
    # In double precision, as the sum of two numbers, the logarithms leave the digits of small
    # differences as they are.
    logs = np.log(total, dtype=np.float64)
    high = logs.astype(x.dtype)
    out = np.subtract(np.subtract(x, high, out=e), (logs - high).astype(x.dtype), out=e)
    if np.maximum.reduce(out, axis=None) > NEARLY_ALL:
        places = np.flatnonzero(out > NEARLY_ALL)  # at most one in a row
        top = np.exp(x.reshape(-1)[places])
        others = np.maximum(total.reshape(-1)[places // x.shape[-1]] - top, 0)
        out.reshape(-1)[places] = 0 - np.log1p(others / top)
    return out


def log_softmax_grad(slope: Array, logs: Array, axis: int = -1) -> Array:
    g, out = floating(slope), np.asarray(np.exp(floating(logs)))
    by_row(np.multiply, out, _sums(g, axis), out)
    return narrowed(np.subtract(g, out, out=out), slope, logs)
