"""Values of borders by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles


def pad(x: Any, pad_width: Any, mode: str, constant_values: float) -> Any:
    if mode == "constant" and x.dtype.kind != "f" and constant_values % 1:
        raise TypeError  # NumPy cuts it to an integer
    constant = {"constant_values": constant_values} if mode == "constant" else {}
    return np.pad(x, pad_width, mode, **constant)


def unpad(x: Any, pad_width: Any, mode: str) -> Any:
    shape = [n - a - b for n, (a, b) in zip(x.shape, pad_width, strict=True)]
    constant = {"constant_values": -1} if mode == "constant" else {}
    sources = np.pad(np.arange(np.prod(shape)).reshape(shape), pad_width, mode, **constant)
    out = np.zeros(np.prod(shape), x.dtype)
    np.add.at(out, sources[sources >= 0], x[sources >= 0])
    return out.reshape(shape)


VALUES: Oracles = {"pad": pad, "unpad": unpad}

LARGE: Calls = {
    "pad": [
        sample(uniform(-3, 3, (20, 20)), pad_width=2, mode="reflect"),
        sample(uniform(-3, 3, (20, 20)), pad_width=((1, 0), (0, 3))),
    ],
    "unpad": [
        sample(uniform(-3, 3, (23, 20)), pad_width=((2, 1), (0, 0)), mode="edge"),
        sample(uniform(-3, 3, (22, 22)), pad_width=((1, 1), (0, 2)), mode="wrap"),
    ],
}
