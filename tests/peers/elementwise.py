"""PyTorch's elementwise and logical functions."""

from __future__ import annotations

import torch

from .shared import Peers, of_torch

PEERS: Peers = {
    **of_torch("add", "subtract", "multiply", "divide", "pow", "floor_divide", "remainder"),
    **of_torch("negative", "reciprocal", "square", "sqrt", "abs", "exp", "expm1", "log", "log1p"),
    **of_torch("sin", "cos", "tan", "tanh", "sigmoid", "relu", "maximum", "minimum", "where"),
    **of_torch("sign", "floor", "ceil", "trunc", "round"),
    **of_torch("bitwise_and", "bitwise_or", "bitwise_xor"),
    **of_torch("logical_and", "logical_or", "logical_xor", "logical_not"),
    **of_torch("isfinite", "isinf", "isnan"),
    "bitwise_invert": torch.bitwise_not,
    "equal": torch.eq,
    "not_equal": torch.ne,
    "less": torch.lt,
    "less_equal": torch.le,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "clip": lambda x, min, max: torch.clamp(x, min, max),
}
