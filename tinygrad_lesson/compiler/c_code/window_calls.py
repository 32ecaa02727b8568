"""Calls of the C functions for convolution and pooling (``c/windows.h``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...dtypes import name_of
from ...graph import Shape
from ...tracing.program import Equation, Value
from .operators import FLOATS, type_of
from .views import View

CONVOLUTIONS = frozenset({"conv", "conv_input_grad", "conv_weight_grad"})
LARGEST = frozenset({"pool_max", "pool_argmax"})
POOLINGS = LARGEST | {"pool_put"}


def can_slide(equation: Equation, views: dict[Value, View]) -> bool:
    """Whether there is a C function for an op: one or two axes, and arrays in one piece."""
    name, params = equation.op.name, equation.params
    if name not in CONVOLUTIONS | POOLINGS:
        return False
    values = equation.values()
    taps = name in ("pool_argmax", "pool_put")
    floats = [v for v in (equation.out, *values) if not (taps and name_of(v.dtype) == "uint8")]
    kinds = {type_of(v.dtype) for v in floats}
    return (
        len(params["stride"]) in (1, 2)
        and len(kinds) == 1
        and kinds <= set(FLOATS)
        and (not taps or any(name_of(v.dtype) == "uint8" for v in (equation.out, *values)))
        and all(views[v].whole for v in values)
    )


def is_bias(other: Value, image: Value, views: dict[Value, View]) -> bool:
    """Whether there is one number for each channel of an image."""
    if other.dtype != image.dtype or len(other.shape) > len(image.shape):
        return False
    steps = views[other].broadcast(image.shape).strides
    return all(s == (a == 1) for a, s in enumerate(steps) if image.shape[a] > 1)


def call(members: Sequence[Equation], address: Callable[[Value], str]) -> str:
    """The call, which is 0 if all went well.

    Parameters
    ----------
    members
        A convolution, and what adds its bias; the largest numbers of windows, their places, or
        both; or another op that slides windows.
    address
        C code of the address of the first number of a value.
    """
    equation = members[0]
    name, out = equation.op.name, members[-1].out
    first, *rest = (v.shape for v in equation.values())
    kind = type_of(equation.values()[0].dtype)
    given = [address(v) for v in equation.values()]
    if name in POOLINGS:
        image, small = (out.shape, first) if name == "pool_put" else (first, out.shape)
        window = _window(image, equation.params["kernel"], small, equation.params)
        if name == "pool_put":
            given.append(address(out))
        else:
            made = {other.op.name: address(other.out) for other in members}
            given += [made.get("pool_max", "0"), made.get("pool_argmax", "0")]
            name = "pool_max"
        sizes = [str(image[0] * image[1])]
    else:
        image, kernel, small = {
            "conv": (first, *rest, out.shape),
            "conv_input_grad": (out.shape, *reversed(rest), first),
            "conv_weight_grad": (*rest, out.shape, first),
        }[name]
        window = _window(image, kernel[2:], small, equation.params)
        if name == "conv":
            others = [v for e in members[1:] for v in e.values() if v is not equation.out]
            given.append(address(others[0]) if others else "0")
        given.append(address(out))
        sizes = [str(n) for n in (image[0], image[1], small[1], equation.params["groups"])]
    return f"tl_{name}_{kind}({', '.join([*given, *sizes, window])}, me, m)"


def _window(image: Shape, kernel: Shape, small: Shape, params: Mapping[str, Any]) -> str:
    """The C structure; what has one axis is an image of one row."""
    front = tuple(front for front, _ in params["padding"])
    given = (image[2:], kernel, params["stride"], front, params["dilation"], small[2:])
    alone = (1, 1, 1, 0, 1, 1)
    pairs = [x if len(x) == 2 else (row, *x) for row, x in zip(alone, given, strict=True)]
    return f"(window){{{', '.join(str(n) for pair in pairs for n in pair)}}}"
