"""Values of norms by NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.spatial.distance

from .shared import Calls, Oracles


def vector_norm(x: Any, axis: Any, keepdims: bool, ord: Any) -> Any:
    x = x if x.dtype.kind == "f" else x.astype(float)
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


def normalize(x: Any, p: float, axis: int, eps: float) -> Any:
    return x / np.maximum(vector_norm(x, axis, True, p), eps)


def cosine_similarity(x: Any, y: Any, axis: int, eps: float) -> Any:
    """By SciPy's cosine distance, pair by pair; with a vector of zeros it is 0."""
    x, y = (np.moveaxis(v, axis, -1) for v in np.broadcast_arrays(x * 1.0, y * 1.0))
    found = np.zeros(x.shape[:-1])
    for place in np.argwhere(x.any(-1) & y.any(-1)):
        place = tuple(place)
        found[place] = 1 - scipy.spatial.distance.cosine(x[place], y[place])
    return found


def cdist(x: Any, y: Any, p: float) -> Any:
    """SciPy's, matrix by matrix."""
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    found = np.empty((*lead, x.shape[-2], y.shape[-2]))
    x, y = (np.broadcast_to(v * 1.0, lead + v.shape[-2:]) for v in (x, y))
    for place in np.ndindex(lead):
        found[place] = scipy.spatial.distance.cdist(x[place], y[place], "minkowski", p=p)
    return found


VALUES: Oracles = {
    "vector_norm": vector_norm,
    "norm": lambda x, ord, axis, keepdims: vector_norm(x, axis, keepdims, ord or 2),
    "normalize": normalize,
    "cosine_similarity": cosine_similarity,
    "pairwise_distance": lambda x, y, p, eps, keepdims: np.linalg.norm(
        x * 1.0 - y * 1.0 + eps, p, -1, keepdims
    ),
    "cdist": cdist,
}

LARGE: Calls = {}
