"""PyTorch's creation."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def _of(function: Any) -> Any:
    """The function with a dtype by name, and no device."""

    def call(x: Any, *, device: Any, dtype: Any, **params: Any) -> Any:
        return function(x, dtype=dtype and getattr(torch, dtype), **params)

    return call


PEERS: Peers = {
    "zeros_like": _of(torch.zeros_like),
    "ones_like": _of(torch.ones_like),
    "empty_like": _of(torch.zeros_like),
    "full_like": _of(torch.full_like),
}
