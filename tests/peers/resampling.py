"""PyTorch's resampling."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def interpolate(x: Any, **params: Any) -> Any:
    size, factor = params.pop("size"), params.pop("scale_factor")
    return torch.nn.functional.interpolate(x, size=size, scale_factor=factor, **params)


PEERS: Peers = {
    "resample": None,
    "resample_adjoint": None,
    "interpolate": interpolate,
    "grid_sample": torch.nn.functional.grid_sample,
    "pixel_shuffle": torch.pixel_shuffle,
    "pixel_unshuffle": torch.pixel_unshuffle,
    "channel_shuffle": torch.channel_shuffle,
}
