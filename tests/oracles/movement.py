"""Values of movement ops by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles, of_numpy


def unflatten(x: Any, axis: int, shape: Any) -> Any:
    axis %= x.ndim
    return np.reshape(x, x.shape[:axis] + shape + x.shape[axis + 1 :])


def flatten(x: Any, start_axis: int, end_axis: int) -> Any:
    shape = x.shape or (1,)
    end = end_axis % len(shape) + 1
    joined = int(np.prod(shape[start_axis:end]))
    return x.reshape((*shape[:start_axis], joined, *shape[end:]))


VALUES: Oracles = {
    **of_numpy("permute_dims", "matrix_transpose", "broadcast_to", "expand_dims", "squeeze"),
    **of_numpy("ravel", "transpose", "swapaxes", "moveaxis", "broadcast_arrays", "meshgrid"),
    **of_numpy("atleast_1d", "atleast_2d", "atleast_3d"),
    "reshape": lambda x, shape, copy: np.reshape(x, shape),
    "flatten": flatten,
    "unflatten": unflatten,
    "astype": lambda x, dtype, copy, device: x.astype(dtype),
}

LARGE: Calls = {
    "reshape": [sample(uniform(-3, 3, (20, 20)), shape=(10, 40))],
    "broadcast_to": [
        sample(uniform(-3, 3, (20, 20)), shape=(2, 20, 20)),
        sample(uniform(-3, 3, (20, 1, 20)), shape=(20, 3, 20)),
    ],
}
