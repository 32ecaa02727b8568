"""Program: a step as a flat list of equations, and where its arrays come from and go to.

This is what a trace gives and what the compiler works on. It refers to the tensors and dicts that
hold the state of the step, and holds no array except constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..arrays import Array
from ..dtypes import DType
from ..graph import Box, Shape
from ..op import Op
from ..tensor import Tensor
from .numbers import HostProgram, Number


class Value:
    """One array of a program.

    Attributes
    ----------
    number
        Counts the values of a program.
    shape, dtype
        What is known before it is computed.
    source
        Where it comes from, for those that no equation makes.
    name
        What to call it, if anybody knows.
    """

    __slots__ = ("dtype", "name", "number", "shape", "source")

    def __init__(
        self, number: int, shape: Shape, dtype: DType, source: Source | None = None, name: str = ""
    ) -> None:
        self.number, self.shape, self.dtype = number, shape, dtype
        self.source, self.name = source, name

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"v{self.number}"


class Equation(NamedTuple):
    """One op of a program: ``out = op(*inputs, **params)``.

    `inputs` are Values, Numbers and Python's numbers; `scope` is the path of the module that ran,
    and `line` the user's ``file:line``.
    """

    out: Value
    op: Op[...]
    inputs: tuple[Any, ...]
    params: Mapping[str, Any]
    scope: str = ""
    line: str = ""

    def __str__(self) -> str:
        given = [str(x) for x in self.inputs] + [f"{k}={v}" for k, v in self.params.items()]
        shape = "x".join(map(str, self.out.shape)) or "scalar"
        return f"{self.out}: {self.out.dtype}[{shape}] = {self.op.name}({', '.join(given)})"

    def values(self) -> Iterator[Value]:
        """The inputs that are arrays."""
        return (x for x in self.inputs if type(x) is Value)


# ---- where arrays come from and go to ----------------------------------------------------


class Argument(NamedTuple):
    """The tensor at a position among the arguments of the step."""

    position: int


class Held(NamedTuple):
    """What a tensor from outside holds."""

    tensor: Tensor


class Gradient(NamedTuple):
    """The gradient of a tensor from outside."""

    box: Box


class Kept(NamedTuple):
    """An array, or a counter, in a dict of an optimizer."""

    holder: dict[str, Any]
    key: str


class Drawn(NamedTuple):
    """Random numbers: a method of a generator (None: the default one) and its arguments."""

    generator: Any
    method: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Constant(NamedTuple):
    """An array that was made while the step was traced, and never changes."""

    array: Array


Source = Argument | Held | Gradient | Kept | Drawn | Constant


class Write(NamedTuple):
    """What a step leaves behind: a Value, a Number, or something that is always the same."""

    target: Argument | Held | Gradient | Kept
    value: Any


class Guard(NamedTuple):
    """Something that was looked at while tracing: the program is good for as long as it holds."""

    holds: Callable[[], bool]
    what: str


class Program:
    """A step: equations, what they start from and what is left behind.

    Attributes
    ----------
    inputs
        The values that no equation makes, with their sources.
    equations
        In the order in which they were run.
    results
        What the step returns: Values, Numbers, and other things as they are.
    writes
        What it leaves behind.
    host
        What it does with Python numbers.
    guards
        What must be as it was when the step was traced.
    """

    def __init__(
        self,
        inputs: list[Value],
        equations: list[Equation],
        results: list[Any],
        writes: list[Write],
        host: HostProgram,
        guards: list[Guard],
    ) -> None:
        self.inputs, self.equations, self.results = inputs, equations, results
        self.writes, self.host, self.guards = writes, host, guards

    def outputs(self) -> list[Value]:
        """The values that must be known in the end: results and writes, each once."""
        found = (*self.results, *(write.value for write in self.writes))
        return list(dict.fromkeys(value for value in found if type(value) is Value))

    def with_equations(self, equations: list[Equation], renamed: Mapping[Value, Value]) -> Program:
        """The same step by other equations; some of its outputs are other values now."""

        def new(value: Any) -> Any:
            return renamed.get(value, value) if type(value) is Value else value

        used = {x for equation in equations for x in equation.values()}
        program = Program(
            self.inputs,
            equations,
            [new(value) for value in self.results],
            [Write(target, new(value)) for target, value in self.writes],
            self.host,
            self.guards,
        )
        used.update(program.outputs())
        program.inputs = [
            value for value in self.inputs if value in used or type(value.source) is Drawn
        ]
        return program

    def __str__(self) -> str:
        lines = [f"{v}: {v.dtype}{list(v.shape)} from {_told(v)}" for v in self.inputs]
        lines += map(str, self.equations)
        lines.append(f"return {', '.join(map(str, self.results))}")
        lines += [f"{_place(write.target)} <- {write.value}" for write in self.writes]
        return "\n".join(lines)


def _told(value: Value) -> str:
    assert value.source is not None
    return _place(value.source) + (f" {value.name}" if value.name else "")


def _place(source: Source) -> str:
    """Where an array comes from or goes to, in a word or two."""
    if type(source) is Argument:
        return f"argument {source.position}"
    if type(source) is Kept:
        return f"state {source.key}"
    if type(source) is Drawn:
        return f"random {source.method}"
    return type(source).__name__.lower()


__all__ = [
    "Argument", "Constant", "Drawn", "Equation", "Gradient", "Guard", "Held", "Kept", "Number",
    "Program", "Source", "Value", "Write",
]  # fmt: skip
