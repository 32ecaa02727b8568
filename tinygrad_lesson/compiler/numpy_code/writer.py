"""The NumPy writer: a program becomes straight-line NumPy source.

It reads as one would derive it by hand: a line for each result that is used more than once or
deserves a name, the others inside the expressions that need them.
"""

from __future__ import annotations

import builtins
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from ...arrays import SLOT, Array
from ...arrays import numpy as kernels
from ...tracing.numbers import Compute, Number, Read
from ...tracing.program import Constant, Equation, Program, Value
from ..tapes.tape import SCALAR_TAPE
from .layout import Line, laid_out
from .lifetimes import Made, reused
from .naming import Hints, Names
from .notation import NOTATIONS, Notation, Text, literal, text
from .tape_lines import TapeLines

WIDE = 68
"""Expressions are not made longer than that by putting others into them."""

INLINED = ("elementwise", "movement", "reduction", "linear", "creation")
"""The kinds of ops that may stand inside an expression."""

SHORT = 12
"""Constants of so many elements are written out."""


class Written(NamedTuple):
    """Source of a function, and what it needs.

    Attributes
    ----------
    code
        ``def step(...)``, which returns a tuple of the program's outputs.
    inputs
        The values that it takes, in order; after them come the `numbers`.
    numbers
        The Python numbers that it takes, by their index among those of the program.
    kernels
        Functions of this library that it calls, by name.
    constants
        Arrays that it uses, by name.
    parameters
        What `inputs` and then `numbers` are called.
    """

    code: str
    inputs: list[Value]
    numbers: list[int]
    kernels: dict[str, Callable[..., Any]]
    constants: dict[str, Array]
    parameters: list[str]


def write(
    program: Program, arguments: list[str], name: str = "step", taken: Iterable[str] = ()
) -> Written:
    """Write a program as a function of NumPy arrays.

    Parameters
    ----------
    program
        What to write.
    arguments
        What the arguments of the step are called.
    name
        Of the function.
    taken
        Names that mean something else where it will stand.
    """
    return _Writer(program, arguments, name, taken).written()


class _Writer:
    def __init__(
        self, program: Program, arguments: list[str], name: str, taken: Iterable[str]
    ) -> None:
        self.program, self.name = program, name
        self.hints = Hints(program, arguments)
        self.names = Names({"np", "SLOT", name, *taken, *dir(builtins), *dir(kernels)})
        self.notation = Notation()
        self.shown: dict[Value, str] = {}
        self.texts: dict[Value, Text] = {}
        self.inside: dict[Value, Value] = {}
        self.constants: dict[str, Array] = {}
        self.numbers: dict[int, Text] = {}
        self.read: list[int] = []
        self.lines: list[Line] = []
        self.above: list[str] = []
        self.made: list[Made] = []
        self.needs: dict[Value, set[Value]] = {}  # of what is written inside a line
        self.outputs = program.outputs()
        used = [x for equation in program.equations for x in equation.values()]
        self.uses = Counter([*used, *self.outputs])
        self.users: dict[Value, Equation] = {}
        for equation in reversed(program.equations):
            self.users.update(dict.fromkeys(equation.values(), equation))
        self.host: dict[int, Read | Compute] = {
            step.out: step for step in program.host.steps if isinstance(step, Read | Compute)
        }

    def written(self) -> Written:
        inputs = [v for v in self.program.inputs if type(v.source) is not Constant]
        for value in (*inputs, *(v for v in self.program.inputs if type(v.source) is Constant)):
            self._input(value)
        outputs = set(self.outputs)
        for equation in self.program.equations:
            if equation.op is SCALAR_TAPE:
                self._tape(equation)
                continue
            expression = self._expression(equation)
            out = equation.out
            needs = {y for x in equation.values() for y in self.needs.get(x, (x,))}
            if self._fits_inside(equation, expression, outputs):
                self.texts[out], self.needs[out] = expression, needs
                self.inside[out] = self.users[out].out
                continue
            target = self.names.new(self.hints.of_result(equation, self._line_of, self.shown))
            self.shown[out] = target
            shape = "x".join(map(str, out.shape))
            self.lines.append(Line(f"{target} = {expression}", shape, equation.scope))
            self.made.append(Made(len(self.lines) - 1, equation, needs))
            self.texts[out] = Text(target, shape=out.shape, dtype=out.dtype)
        reused(self.program, self.made, self.shown, self.texts, self.lines)
        parameters = [self.shown[v] for v in inputs]
        parameters += [self.numbers[index].code for index in self.read]
        results = [self.texts[v].code for v in self.outputs]
        code = laid_out(self.name, parameters, self._definitions(), self.lines, results)
        return Written(
            code, inputs, self.read, self.notation.kernels, self.constants, parameters
        )  # fmt: skip

    def _tape(self, equation: Equation) -> None:
        """Write the lines of a tape."""
        target = self.shown[equation.out] = self.names.new("found")
        given = [
            (self.texts[x] if type(x) is Value else self._number(x)).code for x in equation.inputs
        ]
        tape = TapeLines(equation.params["tape"], given, target, self.names, self.notation)
        self.lines += tape.lines
        self.constants |= tape.constants
        self.above += tape.above
        needs = {y for x in equation.values() for y in self.needs.get(x, (x,))}
        self.made.append(Made(len(self.lines) - 1, equation, needs))
        self.texts[equation.out] = Text(target, shape=equation.out.shape, dtype=equation.out.dtype)

    def _line_of(self, value: Value) -> Value:
        """The value of the line in which `value` is written."""
        while value in self.inside:
            value = self.inside[value]
        return value

    # ---- what is given -------------------------------------------------------------------

    def _input(self, value: Value) -> None:
        source = value.source
        if type(source) is Constant and source.array.ndim == 0:
            self.texts[value] = Text(literal(source.array), shape=(), dtype=value.dtype)
            return
        name = self.shown[value] = self.names.new(self.hints.of_input(value))
        if type(source) is Constant:
            self.constants[name] = source.array
        self.texts[value] = Text(name, shape=value.shape, dtype=value.dtype)

    def _definitions(self) -> list[str]:
        """Constants, above the function."""
        constants = [
            f"{name} = {written}" if (written := constant(array)) else f"# {name}: {told(array)}"
            for name, array in self.constants.items()
        ]
        return constants + self.above

    def _number(self, number: Number) -> Text:
        """A Python number: read from the state, or computed from such."""
        step = self.host[number.index]
        if number.index not in self.numbers:
            if isinstance(step, Read):
                self.numbers[number.index] = Text(self.names.new(self.hints.of_number(step)))
                self.read.append(number.index)
            else:
                self.numbers[number.index] = self._computed(step)
        return self.numbers[number.index]

    def _computed(self, step: Compute) -> Text:
        operands = [
            self._number(x) if type(x) is Number else text(x) for x in step.operands
        ]  # fmt: skip
        written: Text = NOTATIONS[OPERATIONS[step.symbol]](*operands)
        if step.symbol == "abs":
            written = Text(f"abs({operands[0]})")
        if len(written.code) <= SHORT + 3:
            return written
        name = self.names.new("factor")
        self.lines.append(Line(f"{name} = {written}"))
        return Text(name)

    # ---- expressions ---------------------------------------------------------------------

    def _expression(self, equation: Equation) -> Text:
        inputs = [
            self.texts[x] if type(x) is Value
            else self._number(x) if type(x) is Number else text(x)
            for x in equation.inputs
        ]  # fmt: skip
        written = self.notation.write(equation.op, inputs, equation.params)
        return Text(written.code, written.strength, equation.out.shape, equation.out.dtype)

    def _fits_inside(self, equation: Equation, expression: Text, outputs: set[Value]) -> bool:
        """Whether a result is used once, in an expression that stays readable."""
        out = equation.out
        if self.uses[out] != 1 or out in outputs or out.name:
            return False
        user = self.users[out]
        if not (_is_formula(equation) and _is_formula(user)):
            return False
        if user.scope != equation.scope and not self._is_activated(equation, user):
            return False
        others = sum(len(self.texts[x].code) for x in user.values() if x in self.texts)
        return len(expression.code) + others < WIDE

    def _is_activated(self, equation: Equation, user: Equation) -> bool:
        """Whether a layer is followed by a function of its result alone, in the same model."""
        same = equation.scope.partition("/")[0] == user.scope.partition("/")[0]
        unary = user.op.kind.name == "elementwise" and len(list(user.values())) == 1
        return bool(equation.scope) and same and unary and equation.op.name == "affine"


def _is_formula(equation: Equation) -> bool:
    """Whether an op may stand inside an expression, as formulas and slices do."""
    sliced = equation.op.name == "getitem" and SLOT not in equation.params["index"]
    return sliced or equation.op.kind.name in INLINED


OPERATIONS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "//": "floor_divide",
    "%": "remainder", "**": "pow", "<": "less", "<=": "less_equal", ">": "greater",
    ">=": "greater_equal", "==": "equal", "!=": "not_equal", "neg": "negative", "abs": "abs",
}  # fmt: skip
"""The ops that are written as Python's operators are."""


def constant(array: Array) -> str:
    """Source of a constant; nothing for a large one."""
    kind = "" if array.dtype in (np.float64, np.int64) else f", {literal(array.dtype)}"
    same = array.size and (array == array.flat[0]).all() and not np.signbit(array).any()
    if same and array.dtype.kind in "iuf":
        first = array.flat[0].item()
        shape = literal(array.shape if array.ndim != 1 else array.size)
        if first in (0, 1) and array.dtype.kind == "f":
            return f"np.{'ones' if first else 'zeros'}({shape}{kind})"
        return f"np.full({shape}, {literal(first)}{kind})"
    if array.dtype == np.int64 and array.ndim == 1 and (array == np.arange(array.size)).all():
        return f"np.arange({array.size})"
    if 0 < array.size <= SHORT and array.dtype.kind in "iuf":
        return f"np.array({literal(array.tolist())}{kind})"
    return ""


def told(array: Array) -> str:
    """A constant in words."""
    return f"{'x'.join(map(str, array.shape))} numbers, {array.dtype}"


def namespace_of(written: Written) -> dict[str, Any]:
    """The globals that the written function needs, besides NumPy."""
    return {"SLOT": SLOT, **written.kernels, **written.constants}
