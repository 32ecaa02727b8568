"""PyTorch's scattering."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def reduce_at(x: Any, values: Any, indices: Any, reduce: str) -> Any:
    return torch.scatter_reduce(x, 0, indices, values, reduce)


def scatter_reduce(
    x: Any, indices: Any, src: Any, axis: int, reduce: str, include_self: bool
) -> Any:
    src = src[tuple(map(slice, indices.shape))]  # or else it has no gradient
    return torch.scatter_reduce(x, axis, indices, src, reduce, include_self=include_self)


def scatter_add(x: Any, indices: Any, src: Any, axis: int) -> Any:
    return torch.scatter_add(x, axis, indices, src[tuple(map(slice, indices.shape))])


PEERS: Peers = {
    "places_along_axis": None,
    "scatter": None,  # of repeated indices PyTorch counts every one, kept or not
    "scatter_add": scatter_add,
    "scatter_reduce": scatter_reduce,
    "reduce_at": reduce_at,
    "index_add": lambda x, indices, src, axis, alpha: torch.index_add(
        x, axis, indices, src, alpha=alpha
    ),
    "index_copy": None,  # the same
    "index_put": lambda x, values, *indices, accumulate: torch.index_put(
        x, indices, values, accumulate
    ),
}
