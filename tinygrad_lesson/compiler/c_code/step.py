"""A program as a Python function that calls its C code.

It takes and returns NumPy arrays, as what the NumPy writer writes does, and runs the host equations
between the calls.
"""

from __future__ import annotations

import ctypes
import functools
import math
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Array
from ...arrays import numpy as kernels
from ...errors import IndexingError
from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Program, Value
from ..passes import simplified
from . import blas, team
from .buffers import Addresses, Ring, address
from .lowering import lowered
from .memory_plan import Plan, plan_memory
from .rows_kernel import MOST_SUMS, SLICES
from .schedule import schedule
from .toolchain import load
from .views import View, copied_where_needed, views_of
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
    """

    program: Program
    source: Source
    function: Callable[..., Any]
    inputs: list[Value]
    numbers: list[int]


PARTS = SLICES * MOST_SUMS * 8
"""Bytes behind the arena, for the sums of the slices of a row."""


def compiled(program: Program, threads: int | None = None) -> CStep:
    """Write a program in C, and build it, to run on so many threads (None: as many as pay)."""
    program = copied_where_needed(simplified(lowered(program)))
    views = views_of(program)
    groups = schedule(program, views)
    plan = plan_memory(program, groups, views)
    source = write(program, groups, views, plan)
    inputs = [v for v in program.inputs if type(v.source) is not Constant]
    numbers = [*source.numbers]
    for segment in source.segments:
        if isinstance(segment, Equation):
            found = [x.index for x in segment.inputs if type(x) is Number]
            numbers += [i for i in found if i not in numbers]
    size = team.size(groups, threads)
    function = _Function(program, views, plan, source, inputs, numbers, size).built()
    return CStep(program, source, function, inputs, numbers)


class _Function:
    """Writes the Python function around the C code."""

    def __init__(
        self, program: Program, views: dict[Value, View], plan: Plan, source: Source,
        inputs: list[Value], numbers: list[int], threads: int,
    ) -> None:  # fmt: skip
        self.threads = threads
        self.program, self.views, self.plan, self.source = program, views, plan, source
        self.inputs, self.numbers = inputs, numbers
        self.library = load(source.code)
        self.arena = _aligned(plan.size + PARTS)
        self.pointers = np.zeros(len(plan.pointers) + 1, np.uintp)
        self.addresses = Addresses(self.pointers)
        self.given = np.zeros(len(numbers) + 1, np.float64)
        self.names: dict[str, Any] = {
            "P": self.pointers.data, "N": self.given.data, "lock": threading.Lock(),
            "last": self.addresses.last, "enter": self.addresses.enter, "address": address,
            "ordered": functools.partial(np.asarray, order="C"), "xp": kernels, "seen": seen,
            "out_of_range": out_of_range,
            "arena": self.arena,  # the code has its address only
        }  # fmt: skip
        found = blas.products()
        if found is not None:
            self.library.use_blas(ctypes.c_void_p(found[0]), ctypes.c_void_p(found[1]))

    def built(self) -> Callable[..., Any]:
        lines = []
        pointers = self.plan.pointers
        for value in self.program.inputs:
            if type(value.source) is Constant:
                array = np.asarray(value.source.array, order="C")
                self.names[f"v{value.number}"] = array
                if value in pointers:
                    self.pointers[pointers[value]] = address(array)
            elif value in pointers:
                name = f"v{value.number}"
                place = pointers[value]
                lines.append(f"if {name} is not last[{place}]: {name} = enter({place}, {name})")
        lines += [f"N[{i}] = n{n}" for i, n in enumerate(self.source.numbers)]
        for value in pointers:
            made = not any(value is v for v in self.program.inputs)
            if made and not self._is_host(value):
                ring = Ring(value.shape, value.dtype, self.addresses.known)
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
        code = ctypes.cast(getattr(self.library, name), ctypes.c_void_p)
        places = (self.pointers.ctypes.data, self.arena.ctypes.data, self.given.ctypes.data)
        bound = functools.partial(team.runner(), code, *map(ctypes.c_void_p, places), self.threads)
        return f"if {self._bound(name, bound)}(): raise out_of_range()"

    def _host(self, equation: Equation) -> list[str]:
        given = []
        for x in equation.inputs:
            if type(x) is Value:
                given.append(self._array(x))
            else:
                given.append(f"n{x.index}" if type(x) is Number else repr(x))
        number = equation.out.number
        op = self._bound(f"f{number}", equation.op.forward)
        params = self._bound(f"k{number}", dict(equation.params))
        lines = [f"v{number} = ordered({op}(xp, {', '.join(given)}, **{params}))"]
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
        return f"seen({name}, {self._bound(f'w{value.number}', view)})"


def out_of_range() -> IndexingError:
    """What to raise when a function says that an index is too large."""
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


def _aligned(size: int) -> Array:
    """So many bytes, at a multiple of 64."""
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + max(size, 1)]
