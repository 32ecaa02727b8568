"""Values of sorting and searching by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from .shared import Calls, Oracles


def argsort(x: Any, axis: int, descending: bool, stable: bool) -> Any:
    """Descending: ranks without ties are negated (the tests of ties are in test_order)."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape)
    return np.argsort(-ranks, axis=axis, kind="stable")


def sort(x: Any, axis: int, descending: bool, stable: bool) -> Any:
    return np.take_along_axis(x, argsort(x, axis, descending, stable), axis)


def argtopk(x: Any, k: int, axis: int, largest: bool, sorted: bool) -> Any:
    return np.take(argsort(x, axis, largest, True), np.arange(k), axis)


def topk(x: Any, k: int, axis: int, **params: Any) -> Any:
    places = argtopk(x, k, axis, **params)
    return np.take_along_axis(x, places, axis), places


def kthvalue(x: Any, k: int, axis: int, keepdims: bool) -> Any:
    places = np.take(np.argsort(x, axis, kind="stable"), [k - 1], axis)
    found = np.take_along_axis(x, places, axis), places
    return found if keepdims else tuple(array.squeeze(axis) for array in found)


VALUES: Oracles = {
    "sort": sort,
    "argsort": argsort,
    "sort_with_indices": lambda x, **params: (sort(x, **params), argsort(x, **params)),
    "ranked": lambda x, ranks: np.take(np.sort(x), ranks, -1),
    "argtopk": argtopk,
    "topk": topk,
    "kthvalue": kthvalue,
    "searchsorted": np.searchsorted,
    "argwhere": np.argwhere,
    "nonzero": np.nonzero,
}

LARGE: Calls = {}
