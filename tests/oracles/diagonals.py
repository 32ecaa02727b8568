"""Values of triangles and diagonals by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles, of_numpy


def on_diagonal(x: Any, shape: Any, offset: int, axis1: int, axis2: int) -> Any:
    out = np.zeros(shape, x.dtype)
    places = np.arange(out.size).reshape(shape).diagonal(offset, axis1, axis2)
    np.put(out, places, x)
    return out


def diag_embed(x: Any, offset: int) -> Any:
    return np.apply_along_axis(np.diag, -1, x, offset)


VALUES: Oracles = {
    **of_numpy("tril", "triu", "diagonal"),
    "on_diagonal": on_diagonal,
    "diag_embed": diag_embed,
    "diag": lambda x, k: np.diag(x, k),
}

LARGE: Calls = {
    "on_diagonal": [
        sample(uniform(-3, 3, (40, 10)), shape=(40, 12, 12), offset=2),
        sample(uniform(-3, 3, (40, 10)), shape=(10, 40, 10), axis1=0, axis2=2),
    ]
}
