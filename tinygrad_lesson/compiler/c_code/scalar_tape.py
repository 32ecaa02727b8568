"""The C function that runs tapes: a loop over the runs, and in it one for each kind of equation.

Its text depends on the kinds only, so that all programs of the same kinds share what was built. The
numbers and the table are given to it in the memory of the one who calls it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ...arrays import Array
from ...tracing.program import Equation, Value
from ..tapes.plan import dtype_of_number
from ..tapes.tape import SCALAR_TAPE, Tape
from .buffers import address
from .operators import Operand, expression, literal, type_of

END = -1
"""Stands in the table where another run would begin."""


def named(segments: Iterable[Any]) -> Iterator[tuple[str, Tape]]:
    """The tapes among the segments of a program, and what their C functions are called."""
    tapes = [x.params["tape"] for x in segments if isinstance(x, Equation) and x.op is SCALAR_TAPE]
    return ((f"tape_{number}", tape) for number, tape in enumerate(tapes))


def function(tape: Tape, name: str) -> str:
    """The C function for tapes of the kinds that this one has."""
    kinds = [f"{type_of(np.dtype(dtype))} *restrict {_memory(dtype)}" for dtype in _dtypes(tape)]
    cases = "\n".join(_case(number, case) for number, case in enumerate(tape.cases))
    return f"""\
/* rows of the table: the kind, the first result, how many there are, and where operands lie */
__attribute__((visibility("default")))
void {name}(const i32 *t, {", ".join(kinds)}) {{
    while (*t != {END}) {{
        const i32 kind = t[0], to = t[1], n = t[2];
        t += 3;
        switch (kind) {{
{cases}
        }}
    }}
}}
"""


def _dtypes(tape: Tape) -> list[str]:
    return sorted(tape.sizes)


def _memory(dtype: str) -> str:
    """What the numbers of a dtype are called; of two that are alike, one has the plain name."""
    found = np.dtype(dtype)
    alike = np.dtype(found.name).char != dtype
    return f"{found.name}s{found.num if alike else ''}"


def _case(number: int, equation: Equation) -> str:
    """The loop for equations of one kind."""
    loads, operands, count = [], [], 0
    for x in equation.inputs:
        if type(x) is Value:
            place = f"t[{count} * n + i]" if count > 1 else ("t[i]", "t[n + i]")[count]
            kind = type_of(x.dtype)
            loads.append(f"const {kind} x{count} = {_memory(x.dtype.char)}[{place}];")
            operands.append(Operand(f"x{count}", x.dtype))
            count += 1
        else:
            kind = type_of(np.dtype(dtype_of_number(x, equation)))
            assert kind is not None
            operands.append(Operand(literal(x, kind), None))
    out = f"{_memory(equation.out.dtype.char)}[to + i]"
    lines = [
        f"case {number}: /* {equation.op.name} */",
        "    #pragma GCC ivdep",
        "    for (i32 i = 0; i < n; i++) {",
        *(f"        {load}" for load in loads),
        f"        {out} = {expression(equation, operands)};",
        "    }",
        f"    t += {count} * n;" if count > 1 else "    t += n;",
        "    break;",
    ]
    return "\n".join(f"        {line}" for line in lines)


class Runner:
    """A tape with the memory in which it runs: it takes the namespace and what the tape takes."""

    def __init__(self, tape: Tape, function: Any) -> None:
        self.tape, self.arrays = tape, tape.memory()
        self.table = _table(tape)
        arrays = [self.table, *(self.arrays[dtype] for dtype in _dtypes(tape))]
        self._given = [ctypes.c_void_p(address(array)) for array in arrays]
        self._function = function
        function.restype = None
        self._results = self.arrays[tape.dtype], tape.results

    def __call__(self, xp: Any, *numbers: Any) -> Array:  # noqa: D102
        self.tape.take(numbers, self.arrays)
        self._function(*self._given)
        memory, places = self._results
        return memory[places]


def _table(tape: Tape) -> Array:
    """The table of a tape as the C function reads it."""
    rows: list[Array] = []
    for head, run in zip(tape.runs, tape, strict=True):
        rows += [head, *run.places]
    return np.concatenate([*rows, [END]]).astype(np.int32)
