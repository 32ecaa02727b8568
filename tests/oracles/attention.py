"""Values of attention by NumPy and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from .shared import Calls, Oracles, of_floats


def safe_softmax(x: Any, axis: int = -1) -> Any:
    out = scipy.special.softmax(x, axis=axis)
    return np.where((x == -np.inf).all(axis, keepdims=True), 0.0, out).astype(x.dtype)


def attention(query: Any, key: Any, value: Any, is_causal: bool, scale: Any) -> Any:
    query, key = (x if x.dtype.kind == "f" else x.astype(float) for x in (query, key))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = np.einsum("...le,...se->...ls", query, key) * scale
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    return np.einsum("...ls,...sv->...lv", scipy.special.softmax(scores, -1), value)


VALUES: Oracles = {
    "safe_softmax": of_floats(safe_softmax),
    "scaled_dot_product_attention": attention,
}

LARGE: Calls = {}
