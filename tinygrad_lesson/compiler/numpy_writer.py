"""The NumPy writer: a program becomes straight-line NumPy source.

It reads as one would derive it by hand: a line for each result that is used more than once or
deserves a name, the others inside the expressions that need them.
"""

from __future__ import annotations

import builtins
import keyword
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from ..arrays import SLOT, Array
from ..arrays import numpy as kernels
from ..tracing.numbers import Number, Read
from ..tracing.program import Argument, Constant, Equation, Gradient, Held, Kept, Program, Value
from .notation import Notation, Text, literal, text

WIDE = 88
"""Expressions are not made longer than that by putting others into them."""

BIG = 1 << 14
"""Arrays of so many elements are let go of after their last use."""

INLINED = ("elementwise", "movement", "reduction", "linear", "creation")
"""The kinds of ops that may stand inside an expression."""


class Written(NamedTuple):
    """Source of a function, and what it needs.

    Attributes
    ----------
    code
        ``def step(...)``, which returns a tuple of the program's outputs.
    inputs
        The values that it takes, in order; after them come the `numbers`.
    kernels
        Functions of this library that it calls, by name.
    constants
        Arrays that it uses, by name.
    """

    code: str
    inputs: list[Value]
    numbers: list[int]
    kernels: dict[str, Callable[..., Any]]
    constants: dict[str, Array]


def write(program: Program, arguments: list[str], name: str = "step") -> Written:
    """Write a program as a function of NumPy arrays.

    Parameters
    ----------
    program
        What to write.
    arguments
        What the arguments of the step are called.
    name
        Of the function.
    """
    return _Writer(program, arguments).written(name)


class _Writer:
    def __init__(self, program: Program, arguments: list[str]) -> None:
        self.program, self.arguments = program, arguments
        self.notation = Notation()
        self.names: dict[Any, str] = {}
        self.taken: set[str] = {"np", "SLOT", "step", *dir(builtins), *dir(kernels)}
        self.texts: dict[Value, Text] = {}
        self.constants: dict[str, Array] = {}
        self.numbers: list[int] = []
        self.lines: list[str] = []
        used = [x for equation in program.equations for x in equation.values()]
        self.uses = Counter([*used, *program.outputs()])

    def written(self, name: str) -> Written:
        inputs = [v for v in self.program.inputs if type(v.source) is not Constant]
        for value in self.program.inputs:
            self._input(value)
        outputs = set(self.program.outputs())
        self._hints()
        last = self._last_uses()
        scope = ""
        for place, equation in enumerate(self.program.equations):
            expression = self._expression(equation)
            if self._fits_inside(equation, place, outputs):
                self.texts[equation.out] = expression
                continue
            if equation.scope != scope:
                scope = equation.scope
                self.lines.append(f"# {scope}" if scope else "")
            target = self._name(equation.out, self._hint(equation))
            self.lines.append(f"{target} = {expression}{self._shape(equation.out, expression)}")
            self.texts[equation.out] = Text(
                target, shape=equation.out.shape, dtype=equation.out.dtype
            )
            gone = [v for v in last.get(place, ()) if v not in outputs and self._is_big(v)]
            if gone:
                self.lines.append(f"del {', '.join(self.texts[v].code for v in gone)}")
        parameters = [self.names[v] for v in inputs]
        parameters += [self.names[Number, index] for index in self.numbers]
        results = [self.texts[v].code for v in self.program.outputs()]
        body = [*self.lines, f"return {', '.join(results)}{',' * (len(results) == 1)}"]
        code = f"def {name}({', '.join(parameters)}):\n"
        code += "\n".join(f"    {line}".rstrip() for line in body) + "\n"
        return Written(code, inputs, self.numbers, self.notation.kernels, self.constants)

    # ---- names ---------------------------------------------------------------------------

    def _name(self, key: Any, hint: str) -> str:
        """A new name, like `hint`."""
        hint = re.sub(r"\W", "_", hint) or "value"
        if not hint[0].isalpha():
            hint = f"p{hint}" if hint[0].isdigit() else f"v{hint}"
        if keyword.iskeyword(hint):
            hint += "_"
        name, count = hint, 1
        while name in self.taken:
            count += 1
            name = f"{hint}{count}" if not hint[-1].isdigit() else f"{hint}_{count}"
        self.taken.add(name)
        self.names[key] = name
        return name

    def _input(self, value: Value) -> None:
        source = value.source
        if type(source) is Constant and source.array.ndim == 0:
            self.texts[value] = Text(literal(source.array), shape=(), dtype=value.dtype)
            return
        if type(source) is Argument:
            hint = self.arguments[source.position]
        elif type(source) is Kept:
            hint = source.key
        elif type(source) is Gradient:
            hint = "gradient"
        else:
            hint = value.name or ("c" if type(source) is Constant else "w")
            hint = "random" if not value.name and type(source) not in (Constant, Held) else hint
        name = self._name(value, hint)
        if type(source) is Constant:
            self.constants[name] = source.array
        self.texts[value] = Text(name, shape=value.shape, dtype=value.dtype)

    def _number(self, number: Number) -> Text:
        key = Number, number.index
        if key not in self.names:
            reads = (step for step in number.host.steps if type(step) is Read)
            hint = next((step.key for step in reads if step.out == number.index), "number")
            self._name(key, hint)
            self.numbers.append(number.index)
        return Text(self.names[key])

    def _hints(self) -> None:
        """Outputs are named after the place that they go to."""
        self.wanted: dict[Value, str] = {}
        names = {v.source.tensor: v.name for v in self.program.inputs if type(v.source) is Held}
        kept = {
            (id(v.source.holder), v.source.key): self.names[v]
            for v in self.program.inputs
            if type(v.source) is Kept
        }
        for target, value in self.program.writes:
            if type(value) is not Value:
                continue
            if type(target) is Held:
                self.wanted[value] = f"new_{target.tensor.name or names.get(target.tensor) or 'w'}"
            elif type(target) is Kept:
                key = id(target.holder), target.key
                self.wanted[value] = f"new_{kept.get(key, target.key)}"
        for value in self.program.results:
            if type(value) is Value:
                self.wanted.setdefault(value, "result")

    def _hint(self, equation: Equation) -> str:
        """After where it goes, or the layer that made it, or its op."""
        if equation.out in self.wanted:
            return self.wanted[equation.out]
        layer, _, kind = equation.scope.rpartition("/")[2].partition(":")
        if kind and not layer.isdigit():
            return layer
        return f"{kind.lower()}{layer}" if kind else equation.op.name

    # ---- expressions ---------------------------------------------------------------------

    def _expression(self, equation: Equation) -> Text:
        inputs = [
            self.texts[x] if type(x) is Value
            else self._number(x) if type(x) is Number else text(x)
            for x in equation.inputs
        ]  # fmt: skip
        written = self.notation.write(equation.op, inputs, equation.params)
        return Text(written.code, written.strength, equation.out.shape, equation.out.dtype)

    def _fits_inside(self, equation: Equation, place: int, outputs: set[Value]) -> bool:
        """Whether a result is used once, in an expression that stays readable."""
        out = equation.out
        if self.uses[out] != 1 or out in outputs or equation.op.kind.name not in INLINED:
            return False
        user = next(e for e in self.program.equations[place + 1 :] if out in e.inputs)
        if user.op.kind.name not in INLINED or user.scope != equation.scope:
            return False
        others = sum(len(self.texts[x].code) for x in user.values() if x in self.texts)
        return len(self._expression(equation).code) + others < WIDE - 20

    def _shape(self, value: Value, expression: Text) -> str:
        return f"  # {'x'.join(map(str, value.shape))}" if value.shape else ""

    def _last_uses(self) -> dict[int, list[Value]]:
        """By place, the results of equations that are not needed after it."""
        last: dict[Value, int] = {}
        made = {equation.out for equation in self.program.equations}
        for place, equation in enumerate(self.program.equations):
            for value in equation.values():
                if value in made:
                    last[value] = place
        found: dict[int, list[Value]] = {}
        for value, place in last.items():
            found.setdefault(place, []).append(value)
        return found

    def _is_big(self, value: Value) -> bool:
        return math.prod(value.shape) >= BIG and self.texts[value].code in self.taken


def namespace_of(written: Written) -> dict[str, Any]:
    """The globals that the written function needs, besides NumPy."""
    return {"SLOT": SLOT, **written.kernels, **written.constants}
