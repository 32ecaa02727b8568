"""The C writer: each group of the schedule becomes a function, and each run of groups a call.

Equal functions are written once. Between the calls stand the host equations, which the array
library runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...tracing.numbers import Number
from ...tracing.program import Equation, Value
from . import recurrent_calls, scalar_tape, window_calls
from .arrangement import Arrangement
from .moving_kernels import KERNELS
from .operators import type_of
from .rows_kernel import RowsKernel
from .schedule import Group
from .views import contiguous

CALLS: dict[str, Callable[..., str]] = {
    "windows": window_calls.call,
    "recurrent": recurrent_calls.call,
}
"""For the kinds of groups that one function of a header runs: what writes the call."""

LOOP = """
__attribute__((visibility("default")))
i32 many(void **p, char *arena, const f64 *n, i64 me, meeting *m) {
    return many_steps(segment_0, @, p, arena, n, me, m);
}
"""
"""The loop of a program that is one segment."""


FEW = 32
"""So many calls are one function, and what they call may become part of it. With more, C compilers
take longer than in proportion: for hundreds of calls, minutes."""

HIDDEN, SHOWN = "static __attribute__((noinline)) ", '__attribute__((visibility("default")))\n'
"""Before a function that stays one of its own, and before one that Python calls."""


class Source(NamedTuple):
    """C code of a program.

    Attributes
    ----------
    code
        The whole file.
    segments
        In order: the name of a C function, or a host equation.
    numbers
        The Python numbers that the functions take, in order.
    arrangement
        What it was written from.
    """

    code: str
    segments: list[str | Equation]
    numbers: list[int]
    arrangement: Arrangement


def write(arrangement: Arrangement) -> Source:
    """Write the groups of a program as C."""
    return Writer(arrangement).written()


class Writer:
    """Writes each group, and the calls."""

    def __init__(self, arrangement: Arrangement) -> None:
        self.arrangement = arrangement
        _, self.views, self.groups, self.plan = arrangement
        self.numbers: list[int] = []
        self.kernels: dict[str, str] = {}  # names of functions, by their text

    def written(self) -> Source:
        """The whole file."""
        segments: list[str | Equation] = []
        calls: list[list[str]] = []
        for group in self.groups:
            if group.between:
                segments.append(group.members[0])
                continue
            if not segments or not isinstance(segments[-1], str):
                segments.append(f"segment_{len(calls)}")
                calls.append([])
            calls[-1].append(f"{self._call(group)}\n    meet(m);")
        headers = ["elementary", "routines"]
        headers += ["columns"] if any(group.kind == "columns" for group in self.groups) else []
        parts = [*(f'#include "{name}.h"' for name in headers), ""]
        how = "static " if max(map(len, calls), default=0) <= FEW else HIDDEN
        parts += [
            text.replace("static ", how, 1).replace("@", name)
            for text, name in self.kernels.items()
        ]
        parts += [scalar_tape.function(tape, name) for name, tape in scalar_tape.named(segments)]
        for i, lines in enumerate(calls):
            stretches = [lines[start : start + FEW] for start in range(0, len(lines), FEW)]
            if len(stretches) > 1:
                names = [f"stretch_{i}_{j}" for j in range(len(stretches))]
                parts += [
                    self._function(HIDDEN, *each) for each in zip(names, stretches, strict=True)
                ]
                lines = [f"bad |= {name}(p, arena, n, me, m);" for name in names]
            parts.append(self._function(SHOWN, f"segment_{i}", lines))
        if len(segments) == len(calls) == 1:
            parts += ['#include "loop.h"', LOOP.replace("@", str(len(self.plan.pointers)))]
        return Source("\n".join(parts), segments, self.numbers, self.arrangement)

    def _function(self, how: str, name: str, lines: Sequence[str]) -> str:
        """The function that runs a segment, or a stretch of one."""
        body = "".join(f"    {line}\n" for line in lines)
        return (
            f"{how}i32 {name}(void **p, char *arena, const f64 *n, i64 me, meeting *m) {{\n"
            f"    f64 *parts = (f64 *)(arena + {self.plan.size});\n    i32 bad = 0;\n"
            f"{body}    return bad;\n}}\n"
        )

    # ---- calls ---------------------------------------------------------------------------

    def _call(self, group: Group) -> str:
        if group.kind == "product":
            return self._product(group.members[0])
        if group.kind in CALLS:
            return f"bad |= {CALLS[group.kind](group.members, self._address)};"
        text = (kernel := KERNELS.get(group.kind, RowsKernel)(self, group)).text()
        name = self.kernels.setdefault(text, f"kernel_{len(self.kernels)}")
        given = [*(self.place(v) for v in kernel.stored), "n", "parts", "me", "m"]
        return f"bad |= {name}({', '.join(given)});"

    def place(self, value: Value) -> str:
        """C code of the address of a stored value."""
        kind = type_of(value.dtype)
        if value in self.plan.offsets:
            return f"({kind} *)(arena + {self.plan.offsets[value]})"
        return f"({kind} *)p[{self.plan.pointers[value]}]"

    def _address(self, value: Value) -> str:
        """C code of the address of the first number of a value."""
        view = self.views[value]
        return f"{self.place(view.base)} + {view.offset}" if view.offset else self.place(view.base)

    def number(self, number: Number) -> str:
        """C code of a Python number."""
        if number.index not in self.numbers:
            self.numbers.append(number.index)
        return f"n[{self.numbers.index(number.index)}]"

    def _product(self, equation: Equation) -> str:
        left, right = (self.views[x] for x in equation.inputs)
        out = equation.out
        *lead, m, n = out.shape
        k = left.shape[-1]
        a, b = left.broadcast((*lead, m, k)), right.broadcast((*lead, k, n))
        axes = _merged(lead, a.strides, b.strides, contiguous(out.shape))
        count, *apart = axes.pop(max(range(len(axes)), key=lambda i: axes[i][0]))
        at = [str(a.offset), str(b.offset), "0"]
        loops = ""
        for i, (times, *steps) in enumerate(axes):
            loops += f"for (i64 i{i} = 0; i{i} < {times}; i{i}++) "
            at = [f"{begin} + i{i} * {step}" for begin, step in zip(at, steps, strict=True)]
        kind = type_of(out.dtype)
        given: list[list[Any]] = [
            [count, m, n, k],
            [f"{self.place(left.base)} + {at[0]}", apart[0], *a.strides[-2:]],
            [f"{self.place(right.base)} + {at[1]}", apart[1], *b.strides[-2:]],
            [f"{self.place(out)} + {at[2]}", apart[2], "me", "m"],
        ]
        return f"{loops}bad |= tl_products_{kind}({', '.join(str(x) for xs in given for x in xs)});"


def _merged(shape: Sequence[int], *strides: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Axes before the matrices, those as one that are one: sizes, and steps of all arrays."""
    axes: list[tuple[int, ...]] = [(1, *(0 for _ in strides))]
    for n, *steps in zip(shape, *(s[: len(shape)] for s in strides), strict=True):
        before, *larger = axes[-1]
        if n == 1:
            continue
        if before == 1 or all(big == n * step for big, step in zip(larger, steps, strict=True)):
            axes[-1] = (before * n, *steps)
        else:
            axes.append((n, *steps))
    return axes
