"""Values of elementwise and logical ops by NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.special

from .shared import Calls, Oracles, of_floats, of_numpy

VALUES: Oracles = {
    **of_numpy("add", "subtract", "multiply", "divide", "pow", "floor_divide", "remainder"),
    **of_numpy("negative", "square", "sqrt", "abs", "exp", "expm1", "log", "log1p"),
    **of_numpy("sin", "cos", "tan", "tanh", "maximum", "minimum", "where"),
    **of_numpy("sign", "floor", "ceil", "trunc", "round"),
    **of_numpy("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    **of_numpy("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert"),
    **of_numpy("logical_and", "logical_or", "logical_xor", "logical_not"),
    **of_numpy("isfinite", "isinf", "isnan"),
    "reciprocal": lambda x: np.float64(1) / x,
    "clip": lambda x, min, max: np.clip(x, min, max),
    "sigmoid": of_floats(scipy.special.expit),
    "relu": lambda x: np.clip(x, 0, None),
}

LARGE: Calls = {}
