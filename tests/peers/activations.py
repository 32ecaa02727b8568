"""PyTorch's activations."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from .shared import Peers


def _gelu_slope(x: Any) -> Any:
    wide = x if x.requires_grad else x.detach().requires_grad_()
    return torch.autograd.grad(functional.gelu(wide).sum(), wide, create_graph=True)[0]


PEERS: Peers = {
    **{
        name: getattr(functional, name)
        for name in (
            "sigmoid", "silu", "mish", "gelu", "elu", "selu", "celu", "relu", "leaky_relu",
            "hardtanh", "relu6", "hardswish", "softshrink", "hardshrink",
            "softsign", "tanhshrink",
        )
    },
    "gelu_slope": _gelu_slope,
    "log_sigmoid": functional.logsigmoid,
    "softplus": lambda x, beta: functional.softplus(x, beta, threshold=1000),
    "hardsigmoid": lambda x: functional.relu6(x + 3) / 6,  # theirs divides in single precision
    "glu": lambda x, axis: functional.glu(x, axis),
    "prelu": lambda x, weight: torch.where(x > 0, x, weight * x),  # theirs broadcasts otherwise
}  # fmt: skip
