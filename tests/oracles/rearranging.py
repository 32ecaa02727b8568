"""Values of rearranged arrays by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import integers, sample, uniform

from .shared import Calls, Oracles, of_numpy


def sum_repeated(x: Any, repeats: Any, length: int, axis: int) -> Any:
    ends = np.cumsum(np.broadcast_to(repeats, (length,)))[:-1]
    runs = np.split(x, ends, axis)
    return np.stack([np.sum(run, axis, dtype=x.dtype) for run in runs], axis)


VALUES: Oracles = {
    **of_numpy("flip", "roll", "rot90", "repeat"),
    "sum_repeated": sum_repeated,
    "tile": lambda x, repetitions: np.tile(x, repetitions),
}

LARGE: Calls = {
    "sum_repeated": [
        sample(uniform(-3, 3, (20, 20)), integers(2, 3), length=10),
        sample(uniform(-3, 3, (20, 20)), integers(1, 2, (20,)), length=20, axis=1),
    ],
}
