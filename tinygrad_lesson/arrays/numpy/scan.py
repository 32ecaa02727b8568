"""Kernels of scans."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import Array
from .reduction import floating, narrowed, of_tensors


def along(x: Array, axis: int | None) -> int:
    """The axis to go along, counted from the front; only a 1-D array needs no `axis`."""
    if axis is None and x.ndim != 1:
        raise ValueError("an array that is not 1-D needs an axis")
    return normalize_axis_index(axis or 0, x.ndim)


def _accumulate(
    ufunc: np.ufunc, x: Array, axis: int | None, dtype: Any, include_initial: bool
) -> Array:
    axis = along(x, axis)
    half = dtype is None and x.dtype == np.float16  # a long sum would lose its last digits
    out = ufunc.accumulate(x, axis=axis, dtype=np.float32 if half else of_tensors(dtype))
    if include_initial:
        shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        out = np.concatenate([np.full(shape, ufunc.identity, out.dtype), out], axis=axis)
    return out.astype(x.dtype) if half else out


def cumulative_sum(
    x: Array, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    return _accumulate(np.add, x, axis, dtype, include_initial)


def cumulative_prod(
    x: Array, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Array:
    return _accumulate(np.multiply, x, axis, dtype, include_initial)


def cumulative_max(x: Array, axis: int | None = None) -> Array:
    return np.maximum.accumulate(x, axis=along(x, axis))


def cumulative_min(x: Array, axis: int | None = None) -> Array:
    return np.minimum.accumulate(x, axis=along(x, axis))


def _last_record(x: Array, axis: int | None, best: Callable[..., Array]) -> Array:
    """For each place, where the best number so far was first met; NaN is better than all."""
    axis = along(x, axis)
    rows = np.moveaxis(x, axis, -1)
    records = best(rows, axis=-1)
    before, now = records[..., :-1], records[..., 1:]
    new = np.zeros(rows.shape, bool)
    new[..., 1:] = (now != before) & (before == before)  # after NaN there is no new record
    places = np.where(new, np.arange(rows.shape[-1]), 0)
    return np.moveaxis(np.maximum.accumulate(places, axis=-1), -1, axis)


def cumulative_argmax(x: Array, axis: int | None = None) -> Array:
    return _last_record(x, axis, np.maximum.accumulate)


def cumulative_argmin(x: Array, axis: int | None = None) -> Array:
    return _last_record(x, axis, np.minimum.accumulate)


def cumulative_logsumexp(x: Array, axis: int | None = None) -> Array:
    return narrowed(np.logaddexp.accumulate(floating(x), axis=along(x, axis)), x)


def linear_recurrence(x: Array, links: Array, axis: int = -1, reverse: bool = False) -> Array:
    axis = along(x, axis)
    inputs, factors = np.moveaxis(x, axis, 0), np.moveaxis(links, axis, 0)
    if factors.shape != (max(len(inputs) - 1, 0), *inputs.shape[1:]):
        raise ValueError("there is one link between each two neighbours")
    dtype = np.result_type(x, links)
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
    out = inputs.astype(np.float32 if dtype == np.float16 else dtype, order="C")
    width = math.prod(out.shape[1:])
    rows, factors = out.reshape(len(out), width), factors.reshape(len(factors), width)
    if reverse:
        rows, factors = rows[::-1], factors[::-1]
    for before, link, row in zip(rows, factors, rows[1:], strict=False):
        row += link * before
    return np.moveaxis(out.astype(dtype, copy=False), 0, axis)
