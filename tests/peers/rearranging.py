"""PyTorch's rearrangements."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def repeat(x: Any, repeats: Any, axis: Any) -> Any:
    return torch.repeat_interleave(x, repeats, axis)


PEERS: Peers = {
    "flip": lambda x, axis: x.flip(
        tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ),
    "roll": lambda x, shift, axis: torch.roll(x, shift, axis),
    "rot90": lambda x, k, axes: torch.rot90(x, k, axes),
    "repeat": repeat,
    "sum_repeated": None,
    "tile": lambda x, repetitions: torch.tile(
        x, repetitions if isinstance(repetitions, tuple) else (repetitions,)
    ),
}
