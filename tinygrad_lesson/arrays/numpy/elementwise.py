"""Kernels of elementwise ops that NumPy has under no standard name, or slower."""

from __future__ import annotations

import math

import numpy as np

from .. import Array

abs = np.absolute


def pow(x: Array, y: Array) -> Array:
    return x**y  # the operator has fast paths for small constant exponents


def reciprocal(x: Array) -> Array:
    return 1 / x  # np.reciprocal truncates integers


# exp(-x) must not overflow: it would warn. Past the limit the sigmoid is 0 to the last bit.
# (The limit and the 1, by dtype, are 0-d arrays: NumPy converts them faster than scalars.)
_SIGMOID = {t: (np.array(math.floor(math.log(np.finfo(t).max)), t), np.array(1, t)) for t in "efd"}


def sigmoid(x: Array) -> Array:
    constants = _SIGMOID.get(x.dtype.char)
    if constants is None:  # integers
        return sigmoid(x.astype(np.float64))
    limit, one = constants
    e = np.exp(np.minimum(np.negative(x), limit))
    e += one
    return np.reciprocal(e)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)
