"""Kernels that sort and search."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import Array
from .scan import along


def sort(x: Array, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    # Equal numbers look alike, so that the order among them need not be kept.
    axis = along(x, axis)
    return np.flip(np.sort(x, axis=axis), axis) if descending else np.sort(x, axis=axis)


def argsort(x: Array, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:
    axis = along(x, axis)
    if descending:  # from back to front in a turned array: equal numbers keep their order
        order = argsort(np.flip(x, axis), axis, stable=stable)
        return np.flip(x.shape[axis] - 1 - order, axis)
    rows = np.moveaxis(x, axis, -1)
    order = np.argsort(rows)
    if stable:  # a stable sort takes ten times as long: only for rows with equal numbers, or NaN
        found = np.take_along_axis(rows, order, -1)
        tied = ~np.all(found[..., 1:] > found[..., :-1], axis=-1)
        if tied.any():
            order[tied] = np.argsort(rows[tied], kind="stable")
    return np.moveaxis(order, -1, axis)


def ranked(x: Array, ranks: tuple[int, ...]) -> Array:
    return np.sort(x)[..., ranks]  # faster than np.partition


def argtopk(x: Array, k: int, axis: int = -1, largest: bool = True, sorted: bool = True) -> Array:
    axis = along(x, axis)
    rows = np.moveaxis(x, axis, -1)
    count = rows.shape[-1]
    if 8 * k > count or k == 0 or (rows.dtype.kind == "f" and np.isnan(rows).any()):
        chosen = argsort(rows, descending=largest)[..., :k]
    else:
        chosen = _few(rows, k, largest)
        if sorted:
            inside = argsort(np.take_along_axis(rows, chosen, -1), descending=largest)
            chosen = np.take_along_axis(chosen, inside, -1)
    return np.moveaxis(chosen, -1, axis)


def _few(rows: Array, k: int, largest: bool) -> Array:
    """Numbers of the k best of each row, ascending, without sorting it; the first of equals."""
    place = rows.shape[-1] - k if largest else k - 1
    worst = np.partition(rows, place, axis=-1)[..., place, None]
    better, tied = rows > worst if largest else rows < worst, rows == worst
    free = k - np.count_nonzero(better, axis=-1, keepdims=True)
    chosen = better | (tied & (np.cumsum(tied, axis=-1) <= free))
    return np.nonzero(chosen)[-1].reshape(*rows.shape[:-1], k)


def searchsorted(x1: Array, x2: Array, side: Any = "left") -> Array:
    if x1.ndim != 1:
        raise ValueError("only 1-D arrays can be searched")
    return np.searchsorted(x1, x2, side=side)


def argwhere(x: Array) -> Array:
    return np.argwhere(x)
