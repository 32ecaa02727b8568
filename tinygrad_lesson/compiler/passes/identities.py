"""Ops that change nothing: a reshape to the same shape, a sum over no axis, a product with 1."""

from __future__ import annotations

import math

from ...tracing.program import Equation, Program, Value
from .rewriting import rewritten

SAME_IF_SAME_TYPE = frozenset({"reshape", "broadcast_to", "astype", "copy", "positive", "squeeze"})
"""They give their input back if shape and dtype of the result are those of the input."""

NEUTRAL = {"multiply": (1, (0, 1)), "divide": (1, (1,)), "subtract": (0, (1,)), "pow": (1, (1,))}
"""The number that changes nothing, and at which places. (Not 0 in a sum, for ``-0.0 + 0`` is 0; nor
-0.0 in a difference, for ``-0.0 - -0.0`` is.)"""


def drop_identities(program: Program) -> Program:
    """Replace what an op gives back unchanged by its input."""
    return rewritten(program, _unchanged)


def _unchanged(equation: Equation) -> Value | None:
    name, inputs, out = equation.op.name, equation.inputs, equation.out
    first = inputs[0] if inputs else None
    if name in SAME_IF_SAME_TYPE or (name == "sum" and equation.params.get("axis") == ()):
        return first if _same_type(first, out) else None
    if name in NEUTRAL:
        number, places = NEUTRAL[name]
        for place in places:
            other = inputs[1 - place]
            x = inputs[place]
            if type(x) in (int, float) and x == number and math.copysign(1, x) > 0:
                return other if _same_type(other, out) else None
    return None


def _same_type(x: object, out: Value) -> bool:
    return type(x) is Value and x.shape == out.shape and x.dtype == out.dtype
