"""Values of reductions by NumPy and SciPy."""

from __future__ import annotations

import scipy.special

from .shared import Calls, Oracles, of_floats, of_numpy

VALUES: Oracles = {
    **of_numpy("sum", "mean", "prod", "max", "min", "var", "std"),
    **of_numpy("argmax", "argmin", "any", "all"),
    "logsumexp": of_floats(scipy.special.logsumexp),
    "softmax": of_floats(scipy.special.softmax),
    "log_softmax": of_floats(scipy.special.log_softmax),
}

LARGE: Calls = {}
