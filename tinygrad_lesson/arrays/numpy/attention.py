"""Kernels of attention."""

from __future__ import annotations

import numpy as np

from .. import Array
from .softmax import exponentials


def safe_softmax(x: Array, axis: int = -1) -> Array:
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    if x.dtype == np.float16:
        return safe_softmax(x.astype(np.float32), axis).astype(np.float16)
    out, total = exponentials(x, axis)
    if total is not None:  # no row is left out as a whole
        return np.divide(out, total, out=out)
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    top[top == -np.inf] = 0  # -inf - -inf would be NaN
    np.subtract(x, top, out=out)
    np.exp(out, out=out)
    total = np.add.reduce(out, axis=axis, keepdims=True)
    total[total == 0] = 1
    out /= total
    return out
