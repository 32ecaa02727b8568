"""Chains of movements: the transpose of a transpose, a reshape of a reshape.

All are exact to the bit: no number is touched.
"""

from __future__ import annotations

import numpy as np

from ...tracing.program import Equation, Program, Value
from .rewriting import Workshop, become, improved, rewritten

RESHAPES = ("reshape", "expand_dims", "squeeze")
"""They leave the elements in their order."""


def join_views(program: Program) -> Program:
    """Make one movement of several, and none of those that cancel out."""
    joined = improved(
        program,
        {
            **dict.fromkeys(RESHAPES, _reshaped),
            "permute_dims": _permuted,
            "matrix_transpose": _permuted,
            "broadcast_to": _spread,
        },
    )
    makers: dict[Value, Equation] = {}  # of those that stay

    def replace(equation: Equation) -> Value | None:
        other = _cancelled(equation, makers)
        if other is None:
            makers[equation.out] = equation
        return other

    return rewritten(joined, replace)


def _reshaped(equation: Equation, workshop: Workshop) -> Equation | None:
    inner = workshop.made(equation.inputs[0], *RESHAPES)
    if inner is None:
        return None
    shape = equation.out.shape
    if equation.op.name == "reshape":
        shape = equation.params["shape"]
    return become(equation, "reshape", inner.inputs[0], shape=shape, copy=None)


def order_of(equation: Equation) -> tuple[int, ...]:
    """The axes of the input, in the order of the output."""
    count = equation.out.ndim
    if equation.op.name == "matrix_transpose":
        return (*range(count - 2), count - 1, count - 2)
    axes = equation.params.get("axes")
    return tuple(a % count for a in axes) if axes is not None else (*range(count),)[::-1]


def _permuted(equation: Equation, workshop: Workshop) -> Equation | None:
    inner = workshop.made(equation.inputs[0], "permute_dims", "matrix_transpose")
    if inner is None:
        return None
    before = order_of(inner)
    axes = tuple(before[a] for a in order_of(equation))
    return become(equation, "permute_dims", inner.inputs[0], axes=axes)


def _spread(equation: Equation, workshop: Workshop) -> Equation | None:
    inner = workshop.made(equation.inputs[0], "broadcast_to")
    return None if inner is None else equation._replace(inputs=inner.inputs)


def _cancelled(equation: Equation, makers: dict[Value, Equation]) -> Value | None:
    """What an equation gives back, if it undoes the one before or changes no place."""
    name, out = equation.op.name, equation.out
    x = equation.inputs[0] if equation.inputs else None
    if type(x) is not Value:
        return None
    if name == "permute_dims" and order_of(equation) == tuple(range(out.ndim)):
        return x
    inner = makers.get(x)
    if inner is None or inner.op.name != name or type(inner.inputs[0]) is not Value:
        return None
    origin = inner.inputs[0]
    if name == "flip" and inner.params == equation.params:
        return origin
    if name == "astype" and origin.dtype == out.dtype:
        return origin if np.can_cast(origin.dtype, x.dtype, "safe") else None
    return None
