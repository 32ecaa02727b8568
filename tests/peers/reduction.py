"""PyTorch's reductions."""

from __future__ import annotations

import torch

from .shared import Peers, all_axes, axes_of

PEERS: Peers = {
    "sum": lambda x, axis, keepdims, dtype: torch.sum(x, axis, keepdims, dtype=dtype),
    "mean": lambda x, axis, keepdims: torch.mean(x, axis, keepdims),
    "prod": lambda x, axis, keepdims, dtype: all_axes(torch.prod)(x, axis, keepdims),
    "max": lambda x, axis, keepdims: torch.amax(x, axes_of(x, axis), keepdims),
    "min": lambda x, axis, keepdims: torch.amin(x, axes_of(x, axis), keepdims),
    "var": lambda x, axis, correction, keepdims: torch.var(
        x, axis, correction=correction, keepdim=keepdims
    ),
    "std": lambda x, axis, correction, keepdims: torch.std(
        x, axis, correction=correction, keepdim=keepdims
    ),
    "logsumexp": lambda x, axis, keepdims: torch.logsumexp(x, axes_of(x, axis), keepdims),
    "softmax": torch.softmax,
    "log_softmax": torch.log_softmax,
    "softmax_grad": None,
    "log_softmax_grad": None,
    "softmin": lambda x, axis: torch.nn.functional.softmin(x, axis),
    "count_nonzero": lambda x, axis, keepdims: torch.sum(x != 0, axis, keepdims),
    "argmax": lambda x, axis, keepdims: torch.argmax(x, axis, keepdims),
    "argmin": lambda x, axis, keepdims: torch.argmin(x, axis, keepdims),
    "any": lambda x, axis, keepdims: x.any() if axis is None else x.any(axis, keepdims),
    "all": lambda x, axis, keepdims: x.all() if axis is None else x.all(axis, keepdims),
}
