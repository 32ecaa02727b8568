"""Values of statistics by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from .shared import Calls, Oracles, of_numpy


def of_floats(x: Any) -> Any:
    """NumPy has no quantiles of booleans."""
    return x.astype(float) if x.dtype == bool else x


def average(x: Any, *weights: Any, axis: Any, keepdims: bool) -> Any:
    if not weights:
        return np.mean(x, axis, keepdims=keepdims)
    return np.average(x, axis, *weights, keepdims=keepdims)


VALUES: Oracles = {
    **of_numpy("median", "nansum", "nanmean", "nanprod", "nanmax", "nanmin", "ptp", "corrcoef"),
    "quantile": lambda x, q, **params: np.quantile(of_floats(x), q, **params),
    "percentile": lambda x, q, **params: np.percentile(of_floats(x), q, **params),
    "aminmax": lambda x, axis, keepdims: (
        np.min(x, axis, keepdims=keepdims),
        np.max(x, axis, keepdims=keepdims),
    ),
    "var_mean": lambda x, axis, correction, keepdims: (
        np.var(x, axis, correction=correction, keepdims=keepdims),
        np.mean(x, axis, keepdims=keepdims),
    ),
    "std_mean": lambda x, axis, correction, keepdims: (
        np.std(x, axis, correction=correction, keepdims=keepdims),
        np.mean(x, axis, keepdims=keepdims),
    ),
    "cov": lambda x, rowvar, bias, correction: np.cov(x, None, rowvar, bias, correction),
    "average": average,
    "trapezoid": lambda y, *x, dx, axis: np.trapezoid(
        y * 1.0, *(at * 1.0 for at in x), dx=dx, axis=axis
    ),
}

LARGE: Calls = {}
