"""PyTorch's products."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers, of_torch


def dot(x: Any, y: Any) -> Any:
    if 0 in (x.ndim, y.ndim):
        return x * y
    return torch.tensordot(x, y, ([-1], [max(y.ndim - 2, 0)]))


PEERS: Peers = {
    **of_torch("matmul", "inner", "outer", "kron"),
    "affine": torch.nn.functional.linear,
    "tensordot": lambda x, y, axes: torch.tensordot(x, y, axes),
    "vecdot": lambda x, y, axis: torch.linalg.vecdot(x, y, dim=axis),
    "cross": lambda x, y, axis: torch.linalg.cross(*torch.broadcast_tensors(x, y), dim=axis),
    "dot": dot,
    "einsum": lambda *arrays, subscripts: torch.einsum(subscripts, *arrays),
    "multi_dot": lambda *arrays: torch.linalg.multi_dot(arrays),
}
