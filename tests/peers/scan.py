"""PyTorch's scans."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def with_initial(function: Any, neutral: float) -> Any:
    """PyTorch's scan, with the neutral element in front where it is asked for."""

    def call(x: Any, axis: int | None, dtype: Any, include_initial: bool) -> Any:
        assert dtype is None
        out = function(x, axis or 0)
        if not include_initial:
            return out
        return torch.concat([torch.full_like(out.narrow(axis or 0, 0, 1), neutral), out], axis)

    return call


PEERS: Peers = {
    "cumulative_sum": with_initial(torch.cumsum, 0.0),
    "cumulative_prod": with_initial(torch.cumprod, 1.0),
    "linear_recurrence": None,
    "cumulative_logsumexp": lambda x, axis: torch.logcumsumexp(x, axis or 0),
    "cumulative_argmax": lambda x, axis: torch.cummax(x, axis or 0).indices,
    "cumulative_argmin": lambda x, axis: torch.cummin(x, axis or 0).indices,
    "cumulative_max": lambda x, axis: torch.cummax(x, axis or 0).values,
    "diff": lambda x, axis, n: torch.diff(x, n, axis),
    "cumulative_min": lambda x, axis: torch.cummin(x, axis or 0).values,
}
