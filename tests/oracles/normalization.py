"""Values of normalisation by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles


def centered(x: Any, axis: Any, center: bool) -> Any:
    x = x if x.dtype.kind == "f" else x.astype(float)
    return x - x.mean(axis, keepdims=True) if center else x


def rstd(x: Any, axis: Any = -1, eps: float = 1e-5, center: bool = True) -> Any:
    x = centered(x, axis, center)
    return 1 / np.sqrt(np.mean(x * x, axis, keepdims=True) + eps)


def standardize(x: Any, axis: Any = -1, eps: float = 1e-5, center: bool = True) -> Any:
    return centered(x, axis, center) * rstd(x, axis, eps, center)


def reject(x: Any, y: Any, scale: Any, axis: Any = -1, center: bool = True) -> Any:
    x, y, scale = (centered(a, axis, False) for a in (x, y, scale))
    rest = centered(x, axis, center) - y * np.mean(x * y, axis, keepdims=True)
    return rest * scale


VALUES: Oracles = {
    "standardize": standardize,
    "rstd": rstd,
    "reject": reject,
    "scale_shift": lambda x, weight, bias: x * weight + bias,
}

ROWS, ROW = uniform(-3, 3, (20, 20)), uniform(-3, 3, (400,))
SCALES = uniform(0.5, 2, (20, 1))
LONG, LONG_SCALES = uniform(-3, 3, (400, 2)), uniform(0.5, 2, (400, 1))

LARGE: Calls = {
    "reject": [sample(ROWS, ROWS, SCALES), sample(LONG, LONG, LONG_SCALES)],
    "scale_shift": [sample(uniform(-3, 3, (2, 400)), ROW, ROW)],
}
