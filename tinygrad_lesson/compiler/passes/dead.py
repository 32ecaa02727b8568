"""Dead code: what nobody needs is not computed."""

from __future__ import annotations

from ...tracing.program import Program, Value


def drop_dead(program: Program) -> Program:
    """Leave out the equations that lead to no output."""
    needed: set[Value] = set(program.outputs())
    kept = []
    for equation in reversed(program.equations):
        if equation.out in needed:
            needed.update(equation.values())
            kept.append(equation)
    if len(kept) == len(program.equations):
        return program
    return program.with_equations(kept[::-1], {})
