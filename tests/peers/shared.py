"""What the tables of PyTorch's functions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Peers = dict[str, Callable[..., Any] | None]


def of_torch(*names: str) -> Peers:
    """PyTorch's functions of these names."""
    return {name: getattr(torch, name) for name in names}


def axes_of(x: Any, axis: Any) -> Any:
    """All axes for ``axis=None``."""
    return tuple(range(x.ndim)) if axis is None else axis


def all_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch's function for one axis, with our ``axis=None``."""

    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        for a in sorted((a % max(x.ndim, 1) for a in axes), reverse=True):
            x = function(x, a, True)
        return x if keepdims else x.squeeze(tuple(a % max(x.ndim, 1) for a in axes))

    return call
