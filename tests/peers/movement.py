"""PyTorch's movement."""

from __future__ import annotations

import torch

from .shared import Peers

PEERS: Peers = {
    "reshape": lambda x, shape, copy: torch.reshape(x, shape),
    "flatten": lambda x, start_axis, end_axis: torch.flatten(x, start_axis, end_axis),
    "ravel": torch.ravel,
    "unflatten": lambda x, axis, shape: torch.unflatten(x, axis, shape),
    "expand_dims": lambda x, axis: x[None, :, None] if axis == (0, 2) else x.unsqueeze(axis),
    "squeeze": lambda x, axis: x.squeeze() if axis is None else x.squeeze(axis),
    "atleast_1d": torch.atleast_1d,
    "atleast_2d": torch.atleast_2d,
    "atleast_3d": torch.atleast_3d,
    "permute_dims": lambda x, axes: torch.permute(x, axes),
    "matrix_transpose": lambda x: x.mT,
    "transpose": lambda x, axes: torch.permute(x, axes or tuple(range(x.ndim))[::-1]),
    "swapaxes": lambda x, axis1, axis2: torch.swapaxes(x, axis1, axis2),
    "moveaxis": lambda x, source, destination: torch.moveaxis(x, source, destination),
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "broadcast_arrays": torch.broadcast_tensors,
    "meshgrid": torch.meshgrid,
    "astype": lambda x, dtype, copy, device: x.to(getattr(torch, dtype)),
}
