"""What passes share: equations are visited in order, and some are replaced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...tracing.program import Equation, Program, Value


def rewritten(program: Program, replace: Callable[[Equation], Value | None]) -> Program:
    """The program without the equations for which `replace` knows another value.

    Parameters
    ----------
    program
        Left as it is.
    replace
        Gets each equation, with its inputs replaced already.
    """
    renamed: dict[Value, Value] = {}
    equations = []
    for equation in program.equations:
        inputs: tuple[Any, ...] = tuple(
            renamed.get(x, x) if type(x) is Value else x for x in equation.inputs
        )
        equation = equation._replace(inputs=inputs)
        other = replace(equation)
        if other is None:
            equations.append(equation)
        else:
            renamed[equation.out] = other
    return program.with_equations(equations, renamed)
