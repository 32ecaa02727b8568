"""PyTorch's normalisation: its own formulas only for the last axes, the rest by hand."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def rstd(x: Any, axis: Any, eps: float, center: bool) -> Any:
    if center:
        x = x - x.mean(axis, keepdim=True)
    return torch.rsqrt((x * x).mean(axis, keepdim=True) + eps)


def standardize(x: Any, axis: Any, eps: float, center: bool) -> Any:
    if axis == -1:
        norm = torch.nn.functional.layer_norm if center else torch.nn.functional.rms_norm
        return norm(x, x.shape[-1:], eps=eps)
    return (x - x.mean(axis, keepdim=True) if center else x) * rstd(x, axis, eps, center)


PEERS: Peers = {
    "standardize": standardize,
    "rstd": rstd,
    "reject": None,
    "scale_shift": lambda x, weight, bias: torch.addcmul(bias, x, weight),
}
