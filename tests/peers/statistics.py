"""PyTorch's statistics."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def quantile(x: Any, q: Any, axis: Any, keepdims: bool, method: str, highest: float = 1) -> Any:
    """PyTorch's has one axis or none."""
    q = [v / highest for v in q] if isinstance(q, tuple) else q / highest
    shares = torch.tensor(q, dtype=x.dtype)
    if not isinstance(axis, tuple):
        return torch.quantile(x, shares, axis, keepdims, interpolation=method)
    others = [a for a in range(x.ndim) if a not in axis]
    rows = x.permute(*others, *axis).flatten(len(others))
    found = torch.quantile(rows, shares, -1, interpolation=method)
    kept = [1 if a in axis else n for a, n in enumerate(x.shape)]
    return found.reshape((*found.shape[: shares.ndim], *kept)) if keepdims else found


def aminmax(x: Any, axis: Any, keepdims: bool) -> Any:
    """PyTorch's has one axis or none."""
    axes = axis if axis is not None else tuple(range(x.ndim))
    return torch.amin(x, axes, keepdims), torch.amax(x, axes, keepdims)


def average(x: Any, *weights: Any, axis: Any, keepdims: bool) -> Any:
    w = weights[0] if weights else torch.ones_like(x)
    w = w[:, None].broadcast_to(x.shape) if w.ndim < x.ndim else w
    return torch.sum(x * w, axis, keepdims) / torch.sum(w, axis, keepdims)


def of_columns(function: Any) -> Any:
    return lambda x, rowvar, **params: function(x if rowvar else x.T, **params)


def cov(x: Any, bias: bool, correction: int | None) -> Any:
    return torch.cov(x, correction=(0 if bias else 1) if correction is None else correction)


PEERS: Peers = {
    "median": lambda x, axis, keepdims: quantile(x, 0.5, axis, keepdims, "midpoint"),
    "quantile": quantile,
    "percentile": lambda x, **params: quantile(x, **params, highest=100),
    "aminmax": aminmax,
    "ptp": lambda x, axis, keepdims: torch.sub(*aminmax(x, axis, keepdims)[::-1]),
    "var_mean": lambda x, axis, correction, keepdims: torch.var_mean(
        x, axis, correction=correction, keepdim=keepdims
    ),
    "std_mean": lambda x, axis, correction, keepdims: torch.std_mean(
        x, axis, correction=correction, keepdim=keepdims
    ),
    "nansum": lambda x, axis, keepdims: torch.nansum(x, axis, keepdims),
    "nanmean": lambda x, axis, keepdims: torch.nanmean(x, axis, keepdims),
    "nanprod": None,
    "nanmax": None,
    "nanmin": None,
    "average": average,
    "cov": of_columns(cov),
    "corrcoef": of_columns(torch.corrcoef),
    "trapezoid": lambda y, *x, dx, axis: (
        torch.trapezoid(y, x[0], dim=axis) if x else torch.trapezoid(y, dx=dx, dim=axis)
    ),
}
