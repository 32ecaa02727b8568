"""PyTorch's sorting and searching."""

from __future__ import annotations

import torch

from .shared import Peers

PEERS: Peers = {
    "sort": lambda x, axis, descending, stable: torch.sort(x, axis, descending).values,
    "argsort": lambda x, axis, descending, stable: torch.argsort(x, axis, descending),
    "sort_with_indices": lambda x, axis, descending, stable: torch.sort(x, axis, descending),
    "ranked": lambda x, ranks: torch.sort(x).values[..., list(ranks)],
    "argtopk": lambda x, k, axis, largest, sorted: torch.topk(x, k, axis, largest).indices,
    "topk": lambda x, k, axis, largest, sorted: torch.topk(x, k, axis, largest),
    "kthvalue": lambda x, k, axis, keepdims: torch.kthvalue(x, k, axis, keepdims),
    "searchsorted": lambda x1, x2, side: torch.searchsorted(x1, x2, side=side),
    "argwhere": torch.argwhere,
    "nonzero": lambda x: torch.nonzero(x, as_tuple=True),
}
