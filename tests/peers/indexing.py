"""PyTorch's indexing."""

from __future__ import annotations

from typing import Any

import torch

from tinygrad_lesson.arrays import SLOT

from .shared import Peers


def index_of(index: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    following = iter(arrays)
    return tuple(next(following) if item is SLOT else item for item in index)


def setitem(x: Any, values: Any, *arrays: Any, index: Any) -> Any:
    out = x.clone()
    out[index_of(index, arrays)] = values
    return out


def add_at(values: Any, *arrays: Any, index: Any, shape: Any) -> Any:
    if not arrays:
        out = torch.zeros(shape, dtype=values.dtype)
        out[index] = values
        return out
    empty = torch.zeros(shape, dtype=values.dtype)
    return empty.index_put(index_of(index, arrays), values, accumulate=True)


def negative_steps(x: Any, index: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """PyTorch has no negative steps: flip the axis, and count from the other end."""
    items = []
    for axis, item in enumerate(index):
        if isinstance(item, slice) and item.step is not None and item.step < 0:
            x = x.flip(axis)
            assert item.start is None
            assert item.stop is None
            item = slice(None, None, -item.step)
        items.append(item)
    return x, tuple(items)


def getitem(x: Any, *arrays: Any, index: Any) -> Any:
    x, index = negative_steps(x, index)
    return x[index_of(index, arrays)]


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    return torch.take_along_dim(x, indices % x.shape[axis], axis)


PEERS: Peers = {
    "take_along_axis": take_along_axis,
    "add_along_axis": None,
    "gather": lambda x, indices, axis: torch.gather(x, axis, indices),
    "index_select": lambda x, indices, axis: torch.index_select(x, axis, indices),
    "masked_select": torch.masked_select,
    "flatnonzero": lambda x: torch.nonzero(x.ravel()).ravel(),
    "getitem": getitem,
    "setitem": setitem,
    "add_at": add_at,
    "last_written": None,
    "take": lambda x, i, axis: x[i] if axis is None else x[(slice(None),) * (axis % x.ndim) + (i,)],
    "one_hot": lambda x, num_classes, dtype: torch.nn.functional.one_hot(x, num_classes).float(),
}
