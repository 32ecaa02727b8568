"""PyTorch's convolutions."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def conv(x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    pads = [p for pair in reversed(padding) for p in pair]
    function = (torch.conv1d, torch.conv2d, torch.conv3d)[x.ndim - 3]
    padded = torch.nn.functional.pad(x, pads)
    return function(padded, weight, None, stride, 0, dilation, groups)


def adjoint(wanted: Any, shape: tuple[int, ...], g: Any) -> Any:
    """The gradient of ``sum(wanted(zeros) * g)``, which is linear in `g`, as part of the graph."""
    zeros = torch.zeros(shape, dtype=g.dtype, requires_grad=True)
    return torch.autograd.grad(wanted(zeros), zeros, g, create_graph=True)[0]


def conv_input_grad(g: Any, weight: Any, *, shape: Any, groups: int, **params: Any) -> Any:
    full = (len(g), weight.shape[1] * groups, *shape)
    return adjoint(lambda x: conv(x, weight, groups=groups, **params), full, g)


def conv_weight_grad(g: Any, x: Any, *, shape: Any, groups: int, **params: Any) -> Any:
    full = (g.shape[1], x.shape[1] // groups, *shape)
    return adjoint(lambda weight: conv(x, weight, groups=groups, **params), full, g)


PEERS: Peers = {
    "conv": conv,
    "conv_input_grad": conv_input_grad,
    "conv_weight_grad": conv_weight_grad,
}
