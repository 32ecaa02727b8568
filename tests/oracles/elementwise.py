"""Values of elementwise and logical ops by NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from .shared import Calls, Oracles, of_floats, of_numpy


def both_floats(function: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy would take small integers for float32."""
    return lambda *arrays: function(
        *(x if x.dtype.kind == "f" else x.astype(float) for x in arrays)
    )


def _sinc(x: Any, order: int) -> Any:
    """By SciPy's spherical Bessel function j0, its derivative and Bessel's equation."""
    if order == 0:
        return np.sinc(x)
    t = np.pi * x
    # The slope is odd; older releases of SciPy know it from 0 on only.
    slope = np.sign(t) * scipy.special.spherical_jn(0, np.abs(t), derivative=True)
    if order == 1:
        return np.pi * slope
    quotient = np.divide(slope, t, where=t != 0, out=np.full(t.shape, -1 / 3))
    return -(np.pi**2) * (np.sinc(x) + 2 * quotient)


VALUES: Oracles = {
    **of_numpy("add", "subtract", "multiply", "divide", "pow", "floor_divide", "remainder"),
    **of_numpy("negative", "square", "sqrt", "cbrt", "hypot", "abs", "fmod", "float_power"),
    **of_numpy("ldexp", "positive", "conj", "real", "imag"),
    **of_numpy("exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2"),
    **of_numpy("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "deg2rad", "rad2deg"),
    **of_numpy("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    **of_numpy("maximum", "minimum", "fmax", "fmin", "where", "heaviside", "copysign"),
    **of_numpy("nan_to_num", "sign", "floor", "ceil", "trunc", "round", "nextafter"),
    **of_numpy("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    **of_numpy("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_invert"),
    **of_numpy("bitwise_left_shift", "bitwise_right_shift"),
    **of_numpy("logical_and", "logical_or", "logical_xor", "logical_not"),
    **of_numpy("isfinite", "isinf", "isnan", "signbit"),
    "reciprocal": lambda x: np.float64(1) / x,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "lerp": lambda start, end, weight: start * (1 - weight) + end * weight,
    "addcmul": lambda x, y, z, value: x + (y * z if value == 1 else value * y * z),
    "addcdiv": lambda x, y, z, value: x + value * (y / z),
    "logit": of_floats(scipy.special.logit),
    "xlogy": both_floats(scipy.special.xlogy),
    "xlog1py": both_floats(scipy.special.xlog1py),
    "sinc": _sinc,
    "clip": lambda x, min, max: np.clip(x, min, max),
    "masked_fill": lambda x, mask, value: np.where(mask, value, x),
    "threshold": lambda x, threshold, value: np.where(x <= threshold, value, x),
    "frac": lambda x: x - np.trunc(x),
}

LARGE: Calls = {}
