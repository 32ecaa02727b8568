"""What passes share: equations are visited in order, and some are replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
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
        self._program, self._new = program, 0
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
        self._new += 1
        out = Value(self._last + self._new, shape, dtype)
        self.extra.append(Equation(out, REGISTRY[name], inputs, params or {}))
        return out

    @cached_property
    def _made(self) -> dict[Value, Equation]:
        return {equation.out: equation for equation in self._program.equations}

    @cached_property
    def _last(self) -> int:
        """The largest number of a value before there were new ones."""
        program = self._program
        known = [v.number for v in program.inputs] + [e.out.number for e in program.equations]
        return max(known, default=-1)

    def keep(self, equation: Equation) -> list[Equation]:
        """Note an equation that is another now; it, and those that it needs."""
        placed = [e._replace(scope=equation.scope, line=equation.line) for e in self.extra]
        placed.append(equation)
        self.extra.clear()
        self._made.update((e.out, e) for e in placed)
        return placed


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
        if better is None:
            equations.append(equation)
        else:
            equations += workshop.keep(better)
            changed = True
    return program.with_equations(equations, {}) if changed else program


def become(equation: Equation, name: str, *inputs: Any, **params: Any) -> Equation:
    """The same value by another op."""
    return equation._replace(op=REGISTRY[name], inputs=inputs, params=params)
