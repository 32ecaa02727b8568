"""Values of products by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles, of_numpy

VALUES: Oracles = {
    **of_numpy("matmul", "vecdot", "tensordot", "inner", "dot", "kron"),
    "cross": np.linalg.cross,
    "affine": lambda x, weight, bias: x @ weight.T + bias,
    "outer": np.linalg.outer,
    "einsum": lambda *arrays, subscripts: np.einsum(subscripts, *arrays),
    "multi_dot": lambda *arrays: np.linalg.multi_dot(arrays),
}


def _block(*shape: int) -> Any:
    return uniform(-2, 2, shape)


LARGE: Calls = {
    "affine": [
        sample(_block(20, 20), _block(20, 20), _block(20)),
        sample(_block(2, 2), _block(400, 2), _block(400)),
    ],
    "cross": [sample(_block(140, 3), _block(140, 3))],
    "einsum": [sample(_block(20, 20), _block(20, 20), subscripts="ij,jk")],
}
