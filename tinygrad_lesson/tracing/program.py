"""Program: a step as a flat list of equations, and where its arrays come from and go to.

This is what a trace gives and what the compiler works on. It refers to the tensors and dicts that
hold the state of the step, and holds no array except constants.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array
from ..dtypes import DType
from ..graph import Box, Shape
from ..op import Op
from ..tensor import Tensor
from .numbers import Compute, Decide, HostProgram, Number


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

    def values(self) -> list[Value]:
        """The inputs that are arrays."""
        return [x for x in self.inputs if type(x) is Value]


# ---- where arrays come from and go to ----------------------------------------------------


class Argument(NamedTuple):
    """The tensor at a position among the arguments of the step."""

    position: int


class Held(NamedTuple):
    """What a tensor from outside holds."""

    tensor: Tensor


class Gradient(NamedTuple):
    """The gradient of a tensor from outside.

    Of the tensor at a `position` among the arguments, if there is one: that has another box in the
    next call.
    """

    box: Box
    position: int | None = None


class Attribute(NamedTuple):
    """What the tensor holds that is an attribute of a module; as a target, the attribute itself."""

    module: Any
    name: str


class Flag(NamedTuple):
    """Whether a tensor requires a gradient, one from outside or an argument: a target only."""

    tensor: Tensor | None
    position: int | None = None


class Slot(NamedTuple):
    """An array, or a counter, in a dict of an optimizer."""

    holder: dict[str, Any]
    key: str


class Cotangent(NamedTuple):
    """The gradient with respect to a result, which somebody will give to the way back.

    `place` counts the results that have one.
    """

    place: int


class Drawn(NamedTuple):
    """Random numbers: a method of a generator (None: the default one) and its arguments."""

    generator: Any
    method: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


class Constant(NamedTuple):
    """An array that was made while the step was traced, and never changes."""

    array: Array


Source = Argument | Held | Gradient | Attribute | Slot | Cotangent | Drawn | Constant
Target = Argument | Held | Gradient | Attribute | Flag | Slot


class Write(NamedTuple):
    """What a step leaves behind: a Value, a Number, or something that is always the same."""

    target: Target
    value: Any


class Lent(Tensor):
    """An array of the user's, who may write into it at any time, as a tensor without a copy."""

    __slots__ = ()

    @classmethod
    def of(cls, array: Array) -> Lent:
        """A tensor on the very array."""
        tensor = object.__new__(cls)
        tensor._data, tensor._node = array, None
        return tensor


COPIED = (np.ndarray, set, bytearray)
"""Results besides tensors into which a user may write: each call returns new ones."""


class Guard(NamedTuple):
    """Something that was looked at while tracing: the program is good for as long as it holds.

    Attributes
    ----------
    holds
        Whether it does.
    what
        What would have changed, in the user's words.
    code
        The same as Python source, ``{0}`` and so on standing for `objects`, for what may change
        without anybody noticing, and is looked at in each call. Without it, what it looks at
        cannot change but through ``changes.happened()``.
    """

    holds: Callable[[], bool]
    what: str
    code: str = ""
    objects: tuple[Any, ...] = ()


def watched(what: str, code: str, *objects: Any) -> Guard:
    """A guard that is looked at in each call, by its source."""
    function = _function(code, len(objects))
    return Guard(lambda: bool(function(*objects)), what, code, objects)


@functools.cache
def _function(code: str, count: int) -> Callable[..., Any]:
    """The source of guards as a function of their objects: many guards ask the same of others."""
    names = [f"x{place}" for place in range(count)]
    function: Callable[..., Any] = eval(f"lambda {', '.join(names)}: {code.format(*names)}")
    return function


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

    def numbers(self, also: Iterable[int] = ()) -> set[int]:
        """The Python numbers that something is made of or decided by, by their index.

        Parameters
        ----------
        also
            Those that the equations need.
        """
        needed = {step.number for step in self.host.steps if type(step) is Decide}.union(also)
        written = [write.value for write in self.writes]
        values = [*self.results, *written, *(v for x in written if type(x) is tuple for v in x)]
        needed.update(value.index for value in values if type(value) is Number)
        for step in reversed(self.host.steps):
            if type(step) is Compute and step.out in needed:
                needed.update(x.index for x in step.operands if type(x) is Number)
        return needed

    def with_equations(self, equations: list[Equation], renamed: Mapping[Value, Value]) -> Program:
        """The same step by other equations; some of its outputs are other values now."""

        def new(value: Any) -> Any:
            return renamed.get(value, value) if type(value) is Value else value

        results, writes = self.results, self.writes
        if renamed:
            results = [new(value) for value in results]
            writes = [Write(target, new(value)) for target, value in writes]
        program = Program(self.inputs, equations, results, writes, self.host, self.guards)
        used = {x for equation in equations for x in equation.inputs if type(x) is Value}
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


def _place(source: Source | Target) -> str:
    """Where an array comes from or goes to, in a word or two."""
    if type(source) is Argument:
        return f"argument {source.position}"
    if type(source) is Slot:
        return f"state {source.key}"
    if type(source) is Drawn:
        return f"random {source.method}"
    if type(source) is Attribute:
        return f"attribute {source.name}"
    return type(source).__name__.lower()


__all__ = [
    "COPIED", "Argument", "Attribute", "Constant", "Cotangent", "Drawn", "Equation", "Flag",
    "Gradient", "Guard", "Held", "Lent", "Number", "Program", "Slot", "Source", "Target", "Value",
    "Write", "watched",
]  # fmt: skip
