"""Values of reductions by NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from .shared import Calls, Oracles, of_floats, of_numpy


def softmax_grad(slope: Any, shares: Any, axis: int) -> Any:
    """The product with the matrix of derivatives, ``diag(p) - p p'``."""
    g, p = np.moveaxis(slope, axis, -1) * 1.0, np.moveaxis(shares, axis, -1) * 1.0
    matrix = p[..., None] * np.eye(p.shape[-1]) - p[..., None] * p[..., None, :]
    return np.moveaxis((matrix @ g[..., None])[..., 0], -1, axis)


def log_softmax_grad(slope: Any, logs: Any, axis: int) -> Any:
    """The product with the matrix of derivatives, ``I - p 1'``."""
    g, p = np.moveaxis(slope, axis, -1) * 1.0, np.exp(np.moveaxis(logs, axis, -1) * 1.0)
    matrix = np.eye(p.shape[-1]) - p[..., None] * np.ones(p.shape[-1])
    return np.moveaxis((matrix @ g[..., None])[..., 0], -1, axis)


VALUES: Oracles = {
    **of_numpy("sum", "mean", "prod", "max", "min", "var", "std"),
    **of_numpy("argmax", "argmin", "any", "all", "count_nonzero"),
    "softmax_grad": softmax_grad,
    "log_softmax_grad": log_softmax_grad,
    "softmin": of_floats(lambda x, axis: scipy.special.softmax(-x, axis)),
    "logsumexp": of_floats(scipy.special.logsumexp),
    "softmax": of_floats(scipy.special.softmax),
    "log_softmax": of_floats(scipy.special.log_softmax),
}

LARGE: Calls = {}
