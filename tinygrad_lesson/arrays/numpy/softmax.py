"""Kernels of the softmax and its like.

They write into arrays of their own, and ask BLAS for the sums of short rows: ``reduce`` would take
longer for them than the exponential does.
"""

from __future__ import annotations

import numpy as np

from .. import Array
from .reduction import Axis, floating, in_rows, in_short_rows, max, narrowed, sum, sum_of_products

SAFE = 30.0
"""exp(SAFE) is far from the ends of single precision."""


def _tops(x: Array, axis: Axis) -> Array:
    """The maximum along `axis`, which is kept."""
    if not (in_rows(x, axis) and x.flags.c_contiguous):
        return max(x, axis=axis, keepdims=True)
    starts = np.arange(0, x.size, x.shape[-1])
    return np.maximum.reduceat(x.reshape(-1), starts).reshape(*x.shape[:-1], 1)


def _sums(x: Array, axis: Axis) -> Array:
    """The sum along `axis`, which is kept."""
    if not in_short_rows(x, axis):
        return sum(x, axis=axis, keepdims=True)
    return np.matmul(x, np.ones((x.shape[-1], 1), x.dtype))


def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    wide = floating(x)
    top = _tops(wide, axis)
    top = np.where(np.isfinite(top), top, 0)  # inf - inf would be NaN
    e = np.asarray(wide - top)
    with np.errstate(divide="ignore"):  # of nothing but -inf, it is -inf
        out = np.log(_sums(np.exp(e, out=e), axis)) + top
    return narrowed(out if keepdims or not out.ndim else out.squeeze(axis), x)


def softmax(x: Array, axis: int = -1) -> Array:
    wide = floating(x)
    if wide.size and np.maximum.reduce(wide, axis=None) < SAFE:  # the usual case needs no shift
        e = np.asarray(np.exp(wide))
        total = _sums(e, axis)
        if np.minimum.reduce(total, axis=None) > np.exp(-SAFE):
            return narrowed(np.divide(e, total, out=e), x)
    e = np.asarray(wide - _tops(wide, axis))
    np.exp(e, out=e)
    return narrowed(np.divide(e, _sums(e, axis), out=e), x)


def softmax_grad(slope: Array, shares: Array, axis: int = -1) -> Array:
    g, p = floating(slope), floating(shares)
    out = np.asarray(g - sum_of_products(g, p, axis))
    return narrowed(np.multiply(out, p, out=out), slope, shares)


def log_softmax(x: Array, axis: int = -1) -> Array:
    wide = floating(x)
    shifted = np.asarray(wide - _tops(wide, axis))
    total = np.log(_sums(np.exp(shifted), axis))
    return narrowed(np.subtract(shifted, total, out=shifted), x)


def log_softmax_grad(slope: Array, logs: Array, axis: int = -1) -> Array:
    g, out = floating(slope), np.asarray(np.exp(floating(logs)))
    np.multiply(out, _sums(g, axis), out=out)
    return narrowed(np.subtract(g, out, out=out), slope, logs)
