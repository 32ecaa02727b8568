"""What passes share: equations are visited in order, and some are replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...dtypes import DType
from ...graph import Shape
from ...op import REGISTRY
from ...tracing.program import Equation, Program, Value


def rewritten(program: Program, replace: Callable[[Equation], Value | None]) -> Program:
    """The program without the equations for which `replace` knows another value.

    It is the very program if there are none.

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
        if renamed and not renamed.keys().isdisjoint(equation.inputs):
            inputs: tuple[Any, ...] = tuple(
                renamed.get(x, x) if type(x) is Value else x for x in equation.inputs
            )
            equation = equation._replace(inputs=inputs)
        other = replace(equation)
        if other is None:
            equations.append(equation)
        else:
            renamed[equation.out] = other
            if other.source is None:
                other.name = other.name or equation.out.name
    return program.with_equations(equations, renamed) if renamed else program


class Workshop:
    """What a rule of algebra works with: how values were made, and new ones.

    Attributes
    ----------
    extra
        Equations to put before the one that is being replaced.
    """

    def __init__(self, program: Program) -> None:
        self._made: dict[Value, Equation] = {}
        known = [v.number for v in program.inputs] + [e.out.number for e in program.equations]
        self._count = max(known, default=-1)
        self.extra: list[Equation] = []

    def made(self, x: object, *names: str) -> Equation | None:
        """The equation that made `x`, if its op is one of `names`."""
        found = self._made.get(x) if type(x) is Value else None
        return found if found is not None and (not names or found.op.name in names) else None

    def compute(
        self,
        name: str,
        inputs: tuple[Any, ...],
        shape: Shape,
        dtype: DType,
        params: Mapping[str, Any] | None = None,
    ) -> Value:
        """The value of one more equation."""
        self._count += 1
        out = Value(self._count, shape, dtype)
        self.extra.append(Equation(out, REGISTRY[name], inputs, params or {}))
        return out

    def keep(self, equation: Equation) -> list[Equation]:
        """Note an equation; it, and those that it needs."""
        if not self.extra:
            self._made[equation.out] = equation
            return [equation]
        placed = [e._replace(scope=equation.scope, line=equation.line) for e in self.extra]
        self.extra.clear()
        self._made.update((e.out, e) for e in (*placed, equation))
        return [*placed, equation]


Rule = Callable[[Equation, Workshop], Equation | None]
"""Another equation for the same value, or None."""


def improved(program: Program, rules: Mapping[str, Rule]) -> Program:
    """The program with equations in the form that the rule for their op gives them.

    It is the very program if that is the form they have.
    """
    workshop = Workshop(program)
    equations: list[Equation] = []
    changed = False
    for equation in program.equations:
        rule = rules.get(equation.op.name)
        better = rule(equation, workshop) if rule is not None else None
        equations += workshop.keep(better or equation)
        changed = changed or better is not None
    return program.with_equations(equations, {}) if changed else program


def become(equation: Equation, name: str, *inputs: Any, **params: Any) -> Equation:
    """The same value by another op."""
    return equation._replace(op=REGISTRY[name], inputs=inputs, params=params)
