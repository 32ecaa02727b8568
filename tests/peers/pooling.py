"""PyTorch's pooling."""

from __future__ import annotations

import math
from typing import Any

import torch

from .convolution import adjoint
from .shared import Peers


def windows(
    x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, fill: float = 0.0
) -> Any:
    """All windows, the elements of each along a new last axis."""
    pads = [p for pair in reversed(padding) for p in pair]
    x = torch.nn.functional.pad(x, pads, value=fill)
    for axis, (size, step, apart) in enumerate(zip(kernel, stride, dilation, strict=True), 2):
        x = x.unfold(axis, apart * (size - 1) + 1, step)[..., ::apart]
    return x.flatten(-len(kernel))


PEERS: Peers = {
    "pool_sum": lambda x, **window: windows(x, **window).sum(-1),
    "pool_spread": lambda g, *, shape, **window: adjoint(
        lambda x: windows(x, **window).sum(-1), (*g.shape[:2], *shape), g
    ),
    "pool_max": lambda x, **window: windows(x, **window, fill=-math.inf).amax(-1),
    "pool_argmax": lambda x, **window: windows(x, **window, fill=-math.inf).argmax(-1),
    "pool_pick": lambda x, taps, **window: windows(x, **window).take_along_dim(taps[..., None], -1)[
        ..., 0
    ],
    "pool_put": lambda g, taps, *, shape, **window: adjoint(
        lambda x: windows(x, **window).take_along_dim(taps[..., None], -1)[..., 0],
        (*g.shape[:2], *shape),
        g,
    ),
}
