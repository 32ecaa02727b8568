"""Values of indexing ops by NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.samples import integers, sample, uniform

from .shared import Calls, Oracles, of_numpy


def numpy_index(index: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    following = iter(arrays)
    return tuple(next(following) if item is SLOT else item for item in index)


def places(shape: tuple[int, ...], index: tuple[Any, ...], arrays: tuple[Any, ...]) -> Any:
    """The number, in reading order, of each element that an index selects."""
    return np.arange(math.prod(shape)).reshape(shape)[numpy_index(index, arrays)]


def add_at(values: Any, *arrays: Any, index: Any, shape: Any) -> Any:
    chosen = places(shape, index, arrays)
    sums = np.bincount(
        chosen.ravel(),
        np.broadcast_to(values, chosen.shape).ravel().astype(np.float64),
        minlength=math.prod(shape),
    )
    return sums.reshape(shape).astype(values.dtype)


def setitem(x: Any, values: Any, *arrays: Any, index: Any) -> Any:
    out = x.copy()
    chosen = places(x.shape, index, arrays)
    np.put(out, chosen, np.broadcast_to(values, chosen.shape))
    return out


def last_written(*arrays: Any, index: Any, shape: Any) -> Any:
    chosen = places(shape, index, arrays)
    _, from_the_end = np.unique(chosen.ravel()[::-1], return_index=True)
    kept = np.zeros(chosen.size, bool)
    kept[chosen.size - 1 - from_the_end] = True
    return kept.reshape(chosen.shape)


def add_along_axis(values: Any, indices: Any, shape: Any, axis: int) -> Any:
    values, indices = np.broadcast_arrays(values, indices)
    places = np.indices(indices.shape)
    places[axis] = indices
    out = np.zeros(shape, values.dtype)
    np.add.at(out, tuple(places), values)
    return out


def gather(x: Any, indices: Any, axis: int) -> Any:
    places = np.indices(indices.shape)
    places[axis] = indices
    return x[tuple(places)]


def masked_select(x: Any, mask: Any) -> Any:
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


VALUES: Oracles = {
    **of_numpy("take_along_axis", "flatnonzero"),
    "add_along_axis": add_along_axis,
    "gather": gather,
    "masked_select": masked_select,
    "index_select": np.take,
    "getitem": lambda x, *arrays, index: x[numpy_index(index, arrays)],
    "add_at": add_at,
    "setitem": setitem,
    "last_written": last_written,
    "take": np.take,
    "one_hot": lambda x, num_classes, dtype: np.eye(num_classes, dtype=dtype)[x],
}

ROWS = integers(0, 25, (20,))
TABLE, PART = uniform(-3, 3, (25, 20)), uniform(-3, 3, (20, 20))

LARGE: Calls = {
    "add_along_axis": [
        sample(PART, integers(0, 25, (20, 20)), shape=(20, 25)),
        sample(PART, integers(-25, 25, (20, 1)), shape=(25, 20), axis=0),
    ],
    "take_along_axis": [sample(TABLE, integers(0, 25, (30, 20)), axis=0)],
    "add_at": [
        sample(PART, index=(slice(1, 21),), shape=(25, 20)),
        sample(PART, ROWS, index=(SLOT,), shape=(25, 20)),
    ],
    "setitem": [
        sample(TABLE, PART, index=(slice(1, 21),)),
        sample(TABLE, PART, ROWS, index=(SLOT,)),
    ],
}
