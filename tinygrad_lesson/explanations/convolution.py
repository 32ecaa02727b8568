"""Kernels and windows that do not fit their images."""

from __future__ import annotations

from ..errors import DTypeError, ShapeError, TinygradError
from .call import Call, Explanations


def _floats(call: Call) -> TinygradError | None:
    if "dtype of floats" not in call.reason:
        return None
    dtypes = " and ".join(str(getattr(x, "dtype", type(x).__name__)) for x in call.inputs)
    return DTypeError(
        call.where, f"not defined for {dtypes}", "Convert the input: x.astype(tl.float32)."
    )


def _convolution(call: Call) -> TinygradError | None:
    return _floats(call) or ShapeError(
        call.where,
        f"shapes {call.listed} do not fit: {_given(call)}",
        "Pass images (N, C, ...) and weights (O, C / groups, ...), and one stride, padding and"
        " dilation for each axis after the first two.",
    )


def _pooling(call: Call) -> TinygradError | None:
    return _floats(call) or ShapeError(
        call.where,
        f"shape {call.listed} has no such windows: {_given(call)}",
        "Pass images (N, C, ...), and one item of each parameter for each axis after the first"
        " two, so that a window fits into the padded image.",
    )


def _given(call: Call) -> str:
    return ", ".join(f"{name}={value}" for name, value in call.params.items())


EXPLANATIONS: Explanations = {
    **dict.fromkeys(("conv", "conv_input_grad", "conv_weight_grad"), _convolution),
    **dict.fromkeys(
        ("pool_sum", "pool_spread", "pool_max", "pool_argmax", "pool_pick", "pool_put"), _pooling
    ),
}
