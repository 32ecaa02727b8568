"""A program as a Python function that calls its C code.

It takes and returns NumPy arrays, as what the NumPy writer writes does, and runs the host equations
between the calls.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Array
from ...arrays import numpy as kernels
from ...errors import IndexingError, OutOfMemoryError, TinygradError
from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Program, Value
from .. import turns
from . import scalar_tape
from .arrangement import arranged
from .buffers import Addresses, Ring, address, in_order
from .routines import load
from .rows_kernel import MOST_SUMS, SLICES
from .team import Experience, Team, gathered
from .views import View
from .writer import Source, write


class CStep(NamedTuple):
    """A program in C.

    Attributes
    ----------
    program
        With the ops that C has code for.
    source
        The C code.
    function
        From arrays and Python numbers to the program's outputs.
    inputs, numbers
        What it takes.
    made
        What wrote the function, and has its memory.
    """

    program: Program
    source: Source
    function: Callable[..., Any]
    inputs: list[Value]
    numbers: list[int]
    made: Function


def source(program: Program) -> Source:
    """Write a program in C."""
    return write(arranged(program))


PARTS = SLICES * MOST_SUMS * 8
"""Bytes behind the arena, for the sums of the slices of a row."""


def compiled(source: Source, threads: int | None = None) -> CStep:
    """Build what was written, to run on so many threads (None: as many as pay)."""
    program, groups = source.arrangement.program, source.arrangement.groups
    inputs = [v for v in program.inputs if type(v.source) is not Constant]
    numbers = [*source.numbers]
    for segment in source.segments:
        if isinstance(segment, Equation):
            found = [x.index for x in segment.inputs if type(x) is Number]
            numbers += [i for i in found if i not in numbers]
    made = Function(source, inputs, numbers, gathered(groups, threads))
    return CStep(program, source, made.built(), inputs, numbers, made)


class Function:
    """Writes the Python function around the C code."""

    def __init__(self, source: Source, inputs: list[Value], numbers: list[int], team: Team) -> None:
        self.source, self.inputs, self.numbers, self.team = source, inputs, numbers, team
        self.program, self.views, _, self.plan = source.arrangement
        self.library = load(source.code)
        self.arena = _aligned(self.plan.size + PARTS)
        self.pointers = np.zeros(len(self.plan.pointers) + 1, np.uintp)
        self.addresses = Addresses(self.pointers)
        self.given = np.zeros(len(numbers) + 1, np.float64)
        new = functools.partial(Experience, team.trials)
        self.known = defaultdict[str, Experience](new)  # of each segment
        self.lock, self.rings = turns.lock(), dict[Value, Ring]()
        self.names: dict[str, Any] = {
            "P": self.pointers.data, "N": self.given.data, "lock": self.lock,
            "last": self.addresses.last, "enter": self.addresses.enter, "address": address,
            "known": self.addresses.known,
            "own": functools.partial(_own, self.arena), "xp": kernels, "seen": seen,
            "inf": math.inf, "nan": math.nan,
            "failure": failure,
            "arena": self.arena,  # the code has its address only
        }  # fmt: skip

    def built(self) -> Callable[..., Any]:
        """The function, from arrays and Python numbers to the program's outputs."""
        lines = []
        pointers = self.plan.pointers
        for value in self.program.inputs:
            if type(value.source) is Constant:
                array = in_order(value.source.array)
                self.names[f"v{value.number}"] = array
                if value in pointers:
                    self.pointers[pointers[value]] = address(array)
            elif value in pointers:
                name = f"v{value.number}"
                place = pointers[value]
                lines += [
                    f"if {name} is not last[{place}]:",
                    f"    if at := known.get(id({name})): last[{place}], P[{place}] = {name}, at",
                    f"    else: {name} = enter({place}, {name})",
                ]
        lines += [f"N[{i}] = n{n}" for i, n in enumerate(self.source.numbers)]
        given = set(self.program.inputs)
        for value in pointers:
            if value not in given and not self._is_host(value):
                ring = Ring(value.shape, value.dtype, self.addresses.known)
                self.rings[value] = ring
                name = self._bound(f"r{value.number}", ring)
                lines.append(f"v{value.number}, P[{pointers[value]}] = {name}()")
        for segment in self.source.segments:
            if isinstance(segment, str):
                lines.append(self._call(segment))
            else:
                lines += self._host(segment)
        results = [self._array(v) for v in self.program.outputs()]
        lines.append(f"return {', '.join(results)}{',' * (len(results) == 1)}")
        parameters = [f"v{v.number}" for v in self.inputs] + [f"n{i}" for i in self.numbers]
        code = f"def step({', '.join(parameters)}):\n    with lock:\n"
        code += "".join(f"        {line}\n" for line in lines)
        exec(compile(code, "<C step>", "exec"), self.names)
        function: Callable[..., Any] = self.names["step"]
        return function

    def _bound(self, name: str, value: Any) -> str:
        self.names[name] = value
        return name

    def _is_host(self, value: Value) -> bool:
        return any(isinstance(s, Equation) and s.out is value for s in self.source.segments)

    def _call(self, name: str) -> str:
        places = map(address, (self.pointers, self.arena, self.given))
        call = self.team.call(getattr(self.library, name), *places, known=self.known[name])
        return f"if bad := {self._bound(name, call)}(): raise failure(bad)"

    def _host(self, equation: Equation) -> list[str]:
        given = []
        for x in equation.inputs:
            if type(x) is Value:
                given.append(self._array(x))
            else:
                given.append(f"n{x.index}" if type(x) is Number else repr(x))
        number = equation.out.number
        run, static = equation.op.forward, dict(equation.params)
        for name, tape in scalar_tape.named(self.source.segments):
            if tape is static.get("tape"):
                run = scalar_tape.Runner(static.pop("tape"), getattr(self.library, name))
        op, params = self._bound(f"f{number}", run), self._bound(f"k{number}", static)
        lines = [f"v{number} = own({op}(xp, {', '.join(given)}, **{params}))"]
        place = self.plan.pointers.get(equation.out)
        if place is not None:
            lines.append(f"P[{place}] = address(v{number})")
        return lines

    def _array(self, value: Value) -> str:
        """Python code of the array of a value, or of a view."""
        view = self.views[value]
        base = view.base
        if base in self.plan.offsets:
            start = self.plan.offsets[base]
            size = math.prod(base.shape) * base.dtype.itemsize
            whole = self.arena[start : start + size].view(base.dtype).reshape(base.shape)
            return self._bound(f"a{value.number}", seen(whole, view))
        name = f"v{base.number}"
        if view.whole and view.shape == base.shape:
            return name
        if not view.shape and base.ndim == 1:
            return f"{name}[{view.offset}]"
        return f"seen({name}, {self._bound(f'w{value.number}', view)})"


def failure(bits: int) -> TinygradError:
    """What to raise when the functions say 1 (an index is too large), 2 (no memory) or both."""
    if bits & 2:
        return OutOfMemoryError(
            "compile", "there is no memory left for the working arrays of this step",
            "Pass smaller batches, or fewer threads: each has arrays of its own.",
        )  # fmt: skip
    return IndexingError(
        "compile", "an index of this step counts past the end of what it chooses from",
        "Run the step without compile: the op then says which.",
    )  # fmt: skip


def seen(array: Array, view: View) -> Array:
    """A view of an array that lies in order."""
    size = array.itemsize
    flat = array.reshape(-1)
    return np.ndarray(
        view.shape, array.dtype, flat, view.offset * size, tuple(s * size for s in view.strides)
    )


def _own(arena: Array, array: Array) -> Array:
    """What the array library made, in order; some of its functions give back what they got."""
    out = in_order(array)
    return out.copy() if np.may_share_memory(out, arena) else out


def _aligned(size: int) -> Array:
    """So many bytes, at a multiple of 64."""
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + max(size, 1)]
