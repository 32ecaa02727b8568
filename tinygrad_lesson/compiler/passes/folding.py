"""Constant folding: what is always the same is computed once, before the step."""

from __future__ import annotations

import math

import numpy as np

from ...arrays import Array
from ...arrays import numpy as numpy_namespace
from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Program, Value
from .rewriting import rewritten

LARGE = 1 << 16
"""Results with more elements are not kept: to fill an array is cheaper than to hold it."""


FILLS = {"zeros_like": 0, "empty_like": 0, "ones_like": 1}
"""Ops whose result depends on nothing but the shape and dtype of their input."""


def fold_constants(program: Program) -> Program:
    """Replace equations whose inputs are all constant by their results."""

    def replace(equation: Equation) -> Value | None:
        fills = equation.op.name in FILLS and equation.out.ndim <= 1  # of more, the layout counts
        known = fills or all(map(_is_known, equation.inputs))
        if not known or math.prod(equation.out.shape) > LARGE:
            return None
        if fills:
            array = np.full(equation.out.shape, FILLS[equation.op.name], equation.out.dtype)
        else:
            given = (x.source.array if _is_constant(x) else x for x in equation.inputs)
            array = equation.op.forward(numpy_namespace, *given, **equation.params)
        return constant(equation, array)

    def constant(equation: Equation, array: Array) -> Value:
        out = equation.out
        value = Value(out.number, out.shape, out.dtype, Constant(array))
        inputs.append(value)
        return value

    inputs = list(program.inputs)
    folded = Program(
        inputs, program.equations, program.results, program.writes, program.host, program.guards
    )
    better = rewritten(folded, replace)
    return program if better is folded else better


def _is_known(x: object) -> bool:
    return _is_constant(x) or type(x) not in (Value, Number)


def _is_constant(x: object) -> bool:
    return type(x) is Value and type(x.source) is Constant
