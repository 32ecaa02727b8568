"""PyTorch's triangles and diagonals."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def on_diagonal(x: Any, shape: Any, offset: int, axis1: int, axis2: int) -> Any:
    return torch.diagonal_scatter(
        torch.zeros(shape, dtype=x.dtype), x, offset, dim1=axis1, dim2=axis2
    )


PEERS: Peers = {
    "tril": lambda x, k: torch.tril(x, k),
    "triu": lambda x, k: torch.triu(x, k),
    "diagonal": lambda x, offset, axis1, axis2: torch.diagonal(x, offset, axis1, axis2),
    "on_diagonal": on_diagonal,
    "diag_embed": lambda x, offset: torch.diag_embed(x, offset),
    "diag": lambda x, k: torch.diag(x, k),
}
