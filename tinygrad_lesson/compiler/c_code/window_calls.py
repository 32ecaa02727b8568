"""Calls of the C functions for convolution and pooling (``c/windows.h``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...graph import Shape
from ...tracing.program import Equation, Value
from .operators import FLOATS, type_of
from .views import View

CONVOLUTIONS = frozenset({"conv", "conv_input_grad", "conv_weight_grad"})
POOLINGS = frozenset({"pool_max", "pool_argmax", "pool_put"})


def can_slide(equation: Equation, views: dict[Value, View]) -> bool:
    """Whether there is a C function for an op: one or two axes, and arrays in one piece."""
    name, params = equation.op.name, equation.params
    if name not in CONVOLUTIONS | POOLINGS:
        return False
    values = list(equation.values())
    taps = name in ("pool_argmax", "pool_put")
    floats = [v for v in (equation.out, *values) if not (taps and str(v.dtype) == "uint8")]
    kinds = {type_of(v.dtype) for v in floats}
    return (
        len(params["stride"]) in (1, 2)
        and params.get("groups", 1) == 1
        and len(kinds) == 1
        and kinds <= set(FLOATS)
        and (not taps or any(str(v.dtype) == "uint8" for v in (equation.out, *values)))
        and all(views[v].whole for v in values)
    )


def call(equation: Equation, addresses: list[str]) -> str:
    """The call, which is 0 if all went well.

    Parameters
    ----------
    equation
        What is computed.
    addresses
        C code of the addresses of its inputs, and of its result.
    """
    name, out = equation.op.name, equation.out
    first, *rest = (v.shape for v in equation.values())
    other: Shape = rest[0] if rest else ()
    kind = type_of(next(equation.values()).dtype)
    given = ", ".join(addresses)
    if name in POOLINGS:
        image, small = (out.shape, first) if name == "pool_put" else (first, out.shape)
        window = _window(image, equation.params["kernel"], small, equation.params)
        return f"tl_{name}_{kind}({given}, {image[0] * image[1]}, {window}, me, m)"
    image, kernel, small = {
        "conv": (first, other, out.shape),
        "conv_input_grad": (out.shape, other, first),
        "conv_weight_grad": (other, out.shape, first),
    }[name]
    window = _window(image, kernel[2:], small, equation.params)
    return f"tl_{name}_{kind}({given}, {image[0]}, {image[1]}, {small[1]}, {window}, me, m)"


def _window(image: Shape, kernel: Shape, small: Shape, params: Mapping[str, Any]) -> str:
    """The C structure; what has one axis is an image of one row."""
    front = tuple(front for front, _ in params["padding"])
    given = (image[2:], kernel, params["stride"], front, params["dilation"], small[2:])
    alone = (1, 1, 1, 0, 1, 1)
    pairs = [x if len(x) == 2 else (row, *x) for row, x in zip(alone, given, strict=True)]
    return f"(window){{{', '.join(str(n) for pair in pairs for n in pair)}}}"
