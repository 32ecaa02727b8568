"""PyTorch's joining and cutting."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def several(function: Any) -> Any:
    return lambda *xs: function(xs)


PEERS: Peers = {
    "concat": lambda *xs, axis: (
        torch.concat([x.ravel() for x in xs]) if axis is None else torch.concat(xs, axis)
    ),
    "stack": lambda *xs, axis: torch.stack(xs, axis),
    "hstack": several(torch.hstack),
    "vstack": several(torch.vstack),
    "dstack": several(torch.dstack),
    "column_stack": several(torch.column_stack),
    "block_diag": torch.block_diag,
    "unstack": lambda x, axis: torch.unbind(x, axis),
    "split": lambda x, indices_or_sections, axis: torch.tensor_split(
        x, indices_or_sections, dim=axis
    ),
    "chunk": lambda x, chunks, axis: torch.chunk(x, chunks, axis),
    "narrow": lambda x, axis, start, length: torch.narrow(x, axis, start, length),
}
