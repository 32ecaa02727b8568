"""Common subexpressions: what is computed twice is computed once.

What a checkpoint computes again for the gradient is merged as well: a program keeps what it needs.
"""

from __future__ import annotations

from typing import Any

from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Program, Value
from .rewriting import rewritten


def merge_common(program: Program) -> Program:
    """Replace an equation that was there before by the earlier result."""
    seen: dict[Any, Value] = {}
    constants: dict[Any, Value] = {}

    def same(x: Any) -> Any:
        if type(x) is Value:
            if type(x.source) is Constant and x.source.array.ndim == 0:
                x = constants.setdefault((x.dtype, repr(x.source.array.item())), x)
            return x.number
        return (Number, x.index) if type(x) is Number else (type(x), repr(x))

    def replace(equation: Equation) -> Value | None:
        inputs = tuple(map(same, equation.inputs))
        params = equation.params
        key = (equation.op.name, inputs, repr(sorted(params.items(), key=repr)) if params else "")
        first = seen.setdefault(key, equation.out)
        return None if first is equation.out else first

    return rewritten(program, replace)
