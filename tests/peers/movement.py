"""PyTorch's movement and creation."""

from __future__ import annotations

import torch

from .shared import Peers, of_torch

PEERS: Peers = {
    **of_torch("zeros_like", "ones_like", "full_like"),
    "reshape": torch.reshape,
    "permute_dims": lambda x, axes: torch.permute(x, axes),
    "matrix_transpose": lambda x: x.mT,
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "expand_dims": lambda x, axis: x[None, :, None] if axis == (0, 2) else x.unsqueeze(axis),
    "squeeze": lambda x, axis: x.squeeze() if axis is None else x.squeeze(axis),
    "flatten": lambda x, start_axis: torch.flatten(x, start_axis),
    "flip": lambda x, axis: x.flip(
        tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ),
    "concat": lambda *xs, axis: (
        torch.concat([x.ravel() for x in xs]) if axis is None else torch.concat(xs, axis)
    ),
    "stack": lambda *xs, axis: torch.stack(xs, axis),
    "astype": lambda x, dtype: x.to(getattr(torch, dtype)),
}
