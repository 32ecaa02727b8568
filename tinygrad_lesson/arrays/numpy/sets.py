"""Kernels of the set functions."""

from __future__ import annotations

import numpy as np

from .. import Array


def unique_places(x: Array) -> Array:
    _, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    return np.concatenate([first, counts, inverse.reshape(-1)])
