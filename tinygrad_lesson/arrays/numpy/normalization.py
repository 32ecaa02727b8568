"""Kernels of normalisation: few passes over the numbers, most of them in place."""

from __future__ import annotations

import math

import numpy as np

from .. import Array
from .floats import in_one_dtype
from .rows import by_row

Axis = int | tuple[int, ...]


def _folded(x: Array, axis: Axis) -> tuple[Array, tuple[int, ...]]:
    """`x` and the axes, sorted; if they are the last ones, as a matrix of rows."""
    given = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(sorted([a + x.ndim if a < 0 else a for a in given]))
    if axes[-1] >= x.ndim or axes[0] < 0 or len(set(axes)) < len(axes):
        raise np.exceptions.AxisError(f"axis {axis} does not fit {x.ndim} axes")
    if axes[0] < x.ndim - len(axes):
        return x, axes
    lead = x.shape[: axes[0]]
    return x.reshape(math.prod(lead), math.prod(x.shape[axes[0] :])), (1,)


def _mean(x: Array, axes: tuple[int, ...], times: Array | None = None) -> Array:
    """Mean of `x`, or of ``x * times``, along `axes`, which are kept; no product is stored."""
    if x.ndim == 2 and axes == (1,):  # by BLAS, several times faster than a sum
        count = x.shape[1]
        total = x @ np.ones(count, x.dtype) if times is None else np.vecdot(x, times)
        total = total[:, None]
    else:
        count = math.prod(x.shape[a] for a in axes)
        every = list(range(x.ndim))
        factors = (x, every) if times is None else (x, every, times, every)
        total = np.einsum(*factors, [a for a in every if a not in axes])
        total = np.expand_dims(total, axes)
    total /= count or 1
    return total


def _moments(x: Array, axes: tuple[int, ...], center: bool) -> tuple[Array | float, Array]:
    """Mean (0 unless `center`), and the mean square of what deviates from it."""
    square = _mean(x, axes, x)
    if not center:
        return 0.0, square
    mean = _mean(x, axes)
    variance = square - mean * mean
    if not (variance >= square / 8).all():  # the difference has lost digits, or is inf - inf
        deviation = by_row(np.subtract, x, mean)
        variance = _mean(deviation, axes, deviation)
    return mean, variance


def _scale(variance: Array, eps: float) -> Array:
    variance = variance + eps
    np.sqrt(variance, out=variance)
    return np.reciprocal(variance, out=variance)


def standardize(x: Array, axis: Axis = -1, eps: float = 1e-5, center: bool = True) -> Array:
    (wide,), dtype = in_one_dtype(x)
    wide, axes = _folded(wide, axis)
    mean, variance = _moments(wide, axes, center)
    deviation = by_row(np.subtract, wide, mean) if center else wide
    out = by_row(np.multiply, deviation, _scale(variance, eps), deviation if center else None)
    return out.reshape(x.shape).astype(dtype, copy=False)


def rstd(x: Array, axis: Axis = -1, eps: float = 1e-5, center: bool = True) -> Array:
    (wide,), dtype = in_one_dtype(x)
    wide, axes = _folded(wide, axis)
    _, variance = _moments(wide, axes, center)
    given = [a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    kept = tuple(1 if a in given else n for a, n in enumerate(x.shape))
    return _scale(variance, eps).reshape(kept).astype(dtype, copy=False)


def reject(x: Array, y: Array, scale: Array, axis: Axis = -1, center: bool = True) -> Array:
    (wide, other, scale), dtype = in_one_dtype(x, y, scale)
    (wide, axes), (other, _), (scale, _) = (_folded(a, axis) for a in (wide, other, scale))
    out = by_row(np.multiply, other, _mean(wide, axes, other))
    if center:
        by_row(np.add, out, _mean(wide, axes), out)
    np.subtract(wide, out, out=out)
    by_row(np.multiply, out, scale, out)
    return out.reshape(x.shape).astype(dtype, copy=False)


def scale_shift(x: Array, weight: Array, bias: Array) -> Array:
    if not weight.ndim or not x.shape[-weight.ndim :] == weight.shape == bias.shape:
        raise ValueError("weight and bias have other shapes than the last axes of x")
    out = x * weight
    if out.dtype.kind != "f" or out.dtype != np.result_type(out, bias):
        return out + bias
    out += bias
    return out
