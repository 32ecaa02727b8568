"""Kernels of attention."""

from __future__ import annotations

import numpy as np

from .. import Array


def safe_softmax(x: Array, axis: int = -1) -> Array:
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    if x.dtype == np.float16:
        return safe_softmax(x.astype(np.float32), axis).astype(np.float16)
    top = np.maximum.reduce(x, axis=axis, keepdims=True, initial=-np.inf)
    top[top == -np.inf] = 0  # -inf - -inf would be NaN
    out = x - top
    np.exp(out, out=out)
    total = np.add.reduce(out, axis=axis, keepdims=True)
    total[total == 0] = 1
    out /= total
    return out
