"""Kernels of pooling: loops over the few elements of a window, not over the many windows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import Array
from ..sliding import Pads, Sliding, sliding

Sizes = tuple[int, ...]
Index = tuple[Any, ...]

ALL = slice(None)


def _along(
    x: Array, at: int, axis: Sliding, combine: Callable[..., Array], neutral: float
) -> Array:
    """Windows along one axis, combined by a ufunc."""
    lead = (ALL,) * at
    everywhere = slice(0, axis.places)
    whole = [x[(*lead, data)] for places, data in axis.taps() if places == everywhere]
    if len(whole) > 1:  # no need for a start with neutral elements
        out = combine(whole[0], whole[1])
        for part in whole[2:]:
            combine(out, part, out=out)
    else:
        out = np.empty((*x.shape[:at], axis.places, *x.shape[at + 1 :]), x.dtype)
        out[...] = whole[0] if whole else neutral
    for places, data in axis.taps():
        if places != everywhere:
            part = out[(*lead, places)]
            combine(part, x[(*lead, data)], out=part)
    return out


def _pooled(x: Array, axes: list[Sliding], combine: Callable[..., Array], neutral: float) -> Array:
    for at, axis in enumerate(axes, x.ndim - len(axes)):
        if not axis.idle:
            x = _along(x, at, axis, combine, neutral)
    return x


def _axes(x: Array, *window: Any, shape: Sizes | None = None) -> list[Sliding]:
    """How the windows slide over `x`; over data of `shape` if `x` has one number for each."""
    if x.dtype.kind != "f":
        raise TypeError("pooling needs a dtype of floats")
    axes = sliding(x.shape[2:] if shape is None else shape, *window)
    if shape is not None and x.shape[2:] != tuple(axis.places for axis in axes):
        raise ValueError("there must be one number for each window")
    return axes


def pool_sum(x: Array, kernel: Sizes, stride: Sizes, padding: Pads, dilation: Sizes) -> Array:
    axes = _axes(x, kernel, stride, padding, dilation)
    wide = x.astype(np.promote_types(x.dtype, np.float32), copy=False)
    return _pooled(wide, axes, np.add, 0).astype(x.dtype, copy=False)


def pool_spread(
    g: Array, kernel: Sizes, stride: Sizes, padding: Pads, dilation: Sizes, *, shape: Sizes
) -> Array:
    axes = _axes(g, kernel, stride, padding, dilation, shape=shape)
    out = g.astype(np.promote_types(g.dtype, np.float32), copy=False)
    for at, axis in reversed([*enumerate(axes, 2)]):
        if axis.idle:
            continue
        spread = np.zeros((*out.shape[:at], axis.length, *out.shape[at + 1 :]), out.dtype)
        for places, data in axis.taps():
            lead = (ALL,) * at
            _add(spread[(*lead, data)], out[(*lead, places)], [axis])
        out = spread
    return out.astype(g.dtype, copy=out is g)


def _add(out: Array, values: Array, axes: list[Sliding]) -> None:
    """``out += values``, where windows that do not overlap need no sum."""
    if all(axis.dilation * (axis.size - 1) < axis.stride for axis in axes):
        out[...] = values
    else:
        out += values


def _masked(values: Array, chosen: Array) -> Array:
    """Values where `chosen`, else 0; np.where is slow where a processor cannot guess its way."""
    bits = values.view(f"i{values.itemsize}")
    return (bits & -chosen.astype(bits.dtype)).view(values.dtype)


def pool_max(x: Array, kernel: Sizes, stride: Sizes, padding: Pads, dilation: Sizes) -> Array:
    return _pooled(x, _axes(x, kernel, stride, padding, dilation), np.maximum, -math.inf)


def _taps(axes: list[Sliding]) -> Iterator[tuple[int, Index, Index]]:
    """All elements of a window: the number, where it lies on data, and the data that it meets."""
    for number, pairs in enumerate(itertools.product(*(axis.taps() for axis in axes))):
        places, data = zip(*pairs, strict=True)
        yield number, (ALL, ALL, *places), (ALL, ALL, *data)


def pool_argmax(x: Array, kernel: Sizes, stride: Sizes, padding: Pads, dilation: Sizes) -> Array:
    best = pool_max(x, kernel, stride, padding, dilation)
    size = math.prod(kernel)
    found = np.zeros(best.shape, np.min_scalar_type(size))
    nan = bool(np.isnan(best).any())
    for number, places, data in _taps(_axes(x, kernel, stride, padding, dilation)):
        chosen = x[data] == best[places]
        if nan:
            chosen |= np.isnan(x[data])
        # Earlier elements count more, so that the first of equals is found.
        part = found[places]
        np.maximum(part, np.multiply(chosen, size - number, dtype=found.dtype), out=part)
    return size - np.maximum(found, 1)  # a window without data has no tap that is better


def pool_pick(
    x: Array, taps: Array, kernel: Sizes, stride: Sizes, padding: Pads, dilation: Sizes
) -> Array:
    axes = _axes(x, kernel, stride, padding, dilation)
    out = np.zeros((*x.shape[:2], *(axis.places for axis in axes)), x.dtype)
    for number, places, data in _taps(axes):
        out[places] += _masked(x[data], taps[places] == number)
    return out


def pool_put(
    g: Array,
    taps: Array,
    kernel: Sizes,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    *,
    shape: Sizes,
) -> Array:
    axes = _axes(g, kernel, stride, padding, dilation, shape=shape)
    out = np.zeros((*g.shape[:2], *shape), g.dtype)
    for number, places, data in _taps(axes):
        _add(out[data], _masked(g[places], taps[places] == number), axes)
    return out
