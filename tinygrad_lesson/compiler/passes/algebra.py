"""Algebra: the same numbers in the form in which one would write them.

=====================================  =======================================================
``x + x``                              ``2 * x``, exact to the bit
``x * x``                              ``x ** 2``, exact to the bit
``x + -y``, ``-x + y``, ``x - -y``     ``x - y``, ``y - x``, ``x + y``, exact to the bit
``-x * -y``                            ``x * y``, exact to the bit but for the sign of NaN
``a * (2 * x)``                        ``(2 * a) * x`` for numbers of which one is a power of two:
                                       exact to the bit, unless a product overflows or leaves the
                                       normal range, where the new form is the better one
``s - s * s``, `s` a sigmoid           ``s * (1 - s)``: to rounding, a unit in the last place of
                                       `s`. (For `s` that may be infinite it would be another.)
=====================================  =======================================================
"""

from __future__ import annotations

import math
from typing import Any

from ...tracing.program import Equation, Program, Value
from .rewriting import Workshop, become, improved


def use_algebra(program: Program) -> Program:
    """Apply the rules above, each where it fits."""
    return improved(program, {"add": _sum, "subtract": _difference, "multiply": _product})


def _is_number(equation: Equation) -> bool:
    """Whether it computes integers or floats: sums of booleans are something else."""
    return all(
        x.dtype == equation.out.dtype and x.dtype.kind in "fiu" for x in equation.values()
    )  # fmt: skip


def _sum(equation: Equation, workshop: Workshop) -> Equation | None:
    x, y = equation.inputs
    if x is y and type(x) is Value and _is_number(equation):
        return become(equation, "multiply", 2, x)
    for one, other in ((x, y), (y, x)):
        negated = workshop.made(other, "negative")
        if negated is not None and _is_number(equation):
            return become(equation, "subtract", one, negated.inputs[0])
    return None


def _difference(equation: Equation, workshop: Workshop) -> Equation | None:
    x, y = equation.inputs
    if not _is_number(equation):
        return None
    negated = workshop.made(y, "negative")
    if negated is not None:
        return become(equation, "add", x, negated.inputs[0])
    squared = workshop.made(y, "multiply", "square")
    if squared is None or any(other is not x for other in squared.inputs):
        return None
    if workshop.made(x, "sigmoid") is None:
        return None
    rest = workshop.compute("subtract", (1, x), x.shape, x.dtype)
    return become(equation, "multiply", x, rest)


def _product(equation: Equation, workshop: Workshop) -> Equation | None:
    x, y = equation.inputs
    if x is y and type(x) is Value:
        return become(equation, "square", x) if _is_number(equation) else None
    first, second = workshop.made(x, "negative"), workshop.made(y, "negative")
    if first is not None and second is not None and _is_number(equation):
        return become(equation, "multiply", first.inputs[0], second.inputs[0])
    for one, other in ((x, y), (y, x)):
        factor = _factor(one)
        inner = workshop.made(other, "multiply") if factor is not None else None
        if factor is None or inner is None or equation.out.dtype.kind != "f":
            continue
        for place in (0, 1):
            second_factor = _factor(inner.inputs[place])
            if second_factor is None or type(inner.inputs[1 - place]) is not Value:
                continue
            merged = factor * second_factor
            if _is_exact(factor, second_factor, merged) and _is_number(equation):
                return become(equation, "multiply", merged, inner.inputs[1 - place])
    return None


def _factor(x: Any) -> float | None:
    return float(x) if type(x) in (int, float) and math.isfinite(x) else None


def _is_exact(a: float, b: float, product: float) -> bool:
    """Whether it is the same to multiply by `a` and then by `b`, or by their product."""
    powers = any(abs(math.frexp(x)[0]) == 0.5 for x in (a, b))
    return powers and all(1e-4 < abs(x) < 1e4 for x in (a, b, product))
