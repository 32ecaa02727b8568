"""Values of movement and creation ops by NumPy."""

from __future__ import annotations

import numpy as np

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles, of_numpy

VALUES: Oracles = {
    **of_numpy("zeros_like", "ones_like", "full_like"),
    **of_numpy("permute_dims", "matrix_transpose", "broadcast_to", "expand_dims"),
    **of_numpy("squeeze", "flip"),
    "reshape": lambda x, shape: np.reshape(x, shape),
    "flatten": lambda x, start_axis: x.reshape((*x.shape[:start_axis], -1)),
    "concat": lambda *arrays, axis: np.concat(arrays, axis),
    "stack": lambda *arrays, axis: np.stack(arrays, axis),
    "astype": lambda x, dtype: x.astype(dtype),
}

LARGE: Calls = {
    "reshape": [sample(uniform(-3, 3, (20, 20)), shape=(10, 40))],
    "broadcast_to": [
        sample(uniform(-3, 3, (20, 20)), shape=(2, 20, 20)),
        sample(uniform(-3, 3, (20, 1, 20)), shape=(20, 3, 20)),
    ],
}
