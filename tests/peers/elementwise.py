"""PyTorch's elementwise and logical functions."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers, of_torch


def _sinc(x: Any, order: int) -> Any:
    wide = x.double()
    y = torch.sinc(wide)
    for _ in range(order):
        (y,) = torch.autograd.grad(y.sum(), wide, create_graph=True)
    return y.to(x.dtype)


PEERS: Peers = {
    **of_torch("add", "subtract", "multiply", "divide", "pow", "floor_divide", "remainder"),
    **of_torch("negative", "reciprocal", "square", "sqrt", "rsqrt", "hypot", "abs", "fmod"),
    **of_torch("float_power", "lerp", "addcmul", "addcdiv", "positive", "conj", "real"),
    **of_torch("exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2"),
    **of_torch("logit", "xlogy", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
    **of_torch("deg2rad", "rad2deg", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    **of_torch("maximum", "minimum", "fmax", "fmin", "where", "copysign", "nan_to_num"),
    **of_torch("sign", "floor", "ceil", "trunc", "round", "nextafter", "frac"),
    **of_torch("bitwise_and", "bitwise_or", "bitwise_xor"),
    **of_torch("bitwise_left_shift", "bitwise_right_shift"),
    **of_torch("logical_and", "logical_or", "logical_xor", "logical_not"),
    **of_torch("isfinite", "isinf", "isnan", "signbit"),
    "cbrt": None,
    "ldexp": lambda x, n: torch.ldexp(x, n.to(x.dtype)),  # of integers theirs has a wrong gradient
    "imag": None,  # complex numbers only
    "xlog1py": torch.special.xlog1py,
    "sinc": _sinc,
    "bitwise_invert": torch.bitwise_not,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "less": torch.lt,
    "less_equal": torch.le,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "clip": lambda x, min, max: torch.clamp(x, min, max),
    "masked_fill": lambda x, mask, value: torch.where(mask, value, x),  # theirs takes one number
    "threshold": torch.nn.functional.threshold,
    "heaviside": lambda x, y: torch.where(x == 0, y, (x > 0).to(y.dtype)),  # has no gradient
}
