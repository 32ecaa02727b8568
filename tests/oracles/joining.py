"""Values of joined and cut arrays by NumPy and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.linalg

from .shared import Calls, Oracles, of_numpy


def narrow(x: Any, axis: int, start: int, length: int) -> Any:
    return np.take(x, start + np.arange(length), axis)


def chunk(x: Any, chunks: int, axis: int) -> Any:
    step = math.ceil(x.shape[axis] / chunks)
    return np.split(x, range(step, x.shape[axis], step), axis)


def several(name: str) -> Any:
    return lambda *arrays, **params: getattr(np, name)(arrays, **params)


VALUES: Oracles = {
    **{name: several(name) for name in ("concat", "stack", "hstack", "vstack", "dstack")},
    "column_stack": several("column_stack"),
    "block_diag": scipy.linalg.block_diag,
    "unstack": lambda x, axis: tuple(np.moveaxis(x, axis, 0)),
    **of_numpy("split"),
    "chunk": chunk,
    "narrow": narrow,
}

LARGE: Calls = {}
