"""The C writer: each group of the schedule becomes a function, and each run of groups a call.

Equal functions are written once. Between the calls stand the host equations, which the array
library runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..graph import Shape
from ..tracing.numbers import Number
from ..tracing.program import Equation, Program, Value
from .c_operators import Operand, expression, literal, type_of
from .memory_plan import Plan
from .schedule import Group
from .views import View, contiguous

BLOCK = 2048
"""So many numbers are summed up in single precision before they enter a sum in double."""

Strides = tuple[int, ...]


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
    """

    code: str
    segments: list[str | Equation]
    numbers: list[int]


def write(program: Program, groups: list[Group], views: dict[Value, View], plan: Plan) -> Source:
    """Write the groups of a program as C."""
    return _Writer(groups, views, plan).written()


class _Writer:
    def __init__(self, groups: list[Group], views: dict[Value, View], plan: Plan) -> None:
        self.groups, self.views, self.plan = groups, views, plan
        self.numbers: list[int] = []
        self.kernels: dict[str, str] = {}  # names of functions, by their text

    def written(self) -> Source:
        segments: list[str | Equation] = []
        calls: list[list[str]] = []
        for group in self.groups:
            if group.kind == "host":
                segments.append(group.members[0])
                continue
            if not segments or not isinstance(segments[-1], str):
                segments.append(f"segment_{len(calls)}")
                calls.append([])
            calls[-1].append(self._call(group))
        parts = ['#include "elementary.h"', '#include "products.h"', ""]
        parts += [text.replace("@", name) for text, name in self.kernels.items()]
        for i, lines in enumerate(calls):
            body = "\n".join(f"    {line}" for line in lines)
            parts.append(
                '__attribute__((visibility("default")))\n'
                f"void segment_{i}(void **p, char *arena, const f64 *n) {{\n{body}\n}}\n"
            )
        return Source("\n".join(parts), segments, self.numbers)

    # ---- calls ---------------------------------------------------------------------------

    def _call(self, group: Group) -> str:
        if group.kind == "product":
            return self._product(group.members[0])
        kernel = _Columns(self, group) if group.kind == "columns" else _Rows(self, group)
        text = kernel.text()
        name = self.kernels.setdefault(text, f"kernel_{len(self.kernels)}")
        return f"{name}({', '.join([*(self.place(v) for v in kernel.stored), 'n'])});"

    def place(self, value: Value) -> str:
        """C code of the address of a stored value."""
        kind = type_of(value.dtype)
        if value in self.plan.offsets:
            return f"({kind} *)(arena + {self.plan.offsets[value]})"
        return f"({kind} *)p[{self.plan.pointers[value]}]"

    def number(self, number: Number) -> str:
        """C code of a Python number."""
        if number.index not in self.numbers:
            self.numbers.append(number.index)
        return f"n[{self.numbers.index(number.index)}]"

    def _product(self, equation: Equation) -> str:
        left, right = (self.views[x] for x in equation.inputs)
        out = equation.out
        m, n = out.shape[-2:]
        k = left.shape[-1]
        lead = out.shape[:-2]
        a, b = left.broadcast((*lead, m, k)), right.broadcast((*lead, k, n))
        loops, close = "", ""
        at = [f"{a.offset}", f"{b.offset}", "0"]
        steps = (a.strides[:-2], b.strides[:-2], contiguous(out.shape)[:-2])
        for axis, count in enumerate(lead):
            loops += f"for (i64 i{axis} = 0; i{axis} < {count}; i{axis}++) "
            for place, strides in enumerate(steps):
                at[place] += f" + i{axis} * {strides[axis]}"
        kind = type_of(out.dtype)
        return (
            f"{loops}product_{kind}({m}, {n}, {k}, {self.place(left.base)} + {at[0]},"
            f" {a.strides[-2]}, {a.strides[-1]}, {self.place(right.base)} + {at[1]},"
            f" {b.strides[-2]}, {b.strides[-1]}, {self.place(out)} + {at[2]});{close}"
        )


class _Kernel:
    """What the functions for rows and for columns have in common."""

    def __init__(self, writer: _Writer, group: Group) -> None:
        self.writer, self.group = writer, group
        self.views = writer.views
        self.inside = set(group.outputs())
        self.stored: list[Value] = []  # the values whose addresses it takes, in order

    def pointer(self, value: Value) -> str:
        """The parameter for a stored value."""
        if value not in self.stored:
            self.stored.append(value)
        return f"p{self.stored.index(value)}"

    def signature(self) -> str:
        """The head of the function; `@` stands for its name."""
        parameters = [
            f"{'' if v in self.inside else 'const '}{type_of(v.dtype)} *restrict p{i}"
            for i, v in enumerate(self.stored)
        ]
        return f"static void @({', '.join([*parameters, 'const f64 *restrict n'])})"


class _Rows(_Kernel):
    """Elementwise ops in stages, with reductions between them."""

    def __init__(self, writer: _Writer, group: Group) -> None:
        super().__init__(writer, group)
        self.split = group.row_axes
        self.names: dict[Value, str] = {}
        self._sink()
        self.read = self._external()
        self.written = [v for v in group.outputs() if v in writer.plan.stored]
        for value in (*self.written, *(view.base for view in self.read.values())):
            self.pointer(value)
        self._collapse()

    def _sink(self) -> None:
        """What is not needed before a later stage is computed there."""
        stage = self.stage = dict(self.group.stage)
        self.per_row = self.group.per_row
        for equation in reversed(self.group.members):
            out = equation.out
            if out in self.per_row:
                continue
            users = [
                (stage[e.out], e)
                for e in self.group.members
                if any(self.views[v].base is out for v in e.values())
            ]
            if users:
                stage[out] = max(stage[out], min(s for s, _ in users))

    def _external(self) -> dict[Value, View]:
        """The inputs from outside, as seen by the elements of the group."""
        found: dict[Value, View] = {}
        for equation in self.group.members:
            for value in equation.values():
                view = self.views[value]
                if view.base in self.inside or value in found:
                    continue
                if equation.out in self.per_row and not self._reduces(equation):
                    shape = view.shape
                    rows = self.group.shape[: self.split]
                    if len(shape) == len(self.group.shape):
                        found[value] = view.broadcast(self.group.shape)
                    else:  # axes of the rows only
                        seen = view.broadcast(rows)
                        tail = (0,) * (len(self.group.shape) - self.split)
                        found[value] = View(
                            seen.base, self.group.shape, (*seen.strides, *tail), seen.offset
                        )
                else:
                    found[value] = view.broadcast(self.group.shape)
        return found

    def _reduces(self, equation: Equation) -> bool:
        return equation.op.name in ("sum", "max", "min") and equation.out in self.per_row

    def _collapse(self) -> None:
        """Neighbouring axes that all arrays step through evenly become one."""
        shape = self.group.shape
        views = list(self.read.values())
        strides = [view.strides for view in views]
        full = contiguous(shape)
        rows = (*contiguous(shape[: self.split]), *(0,) * (len(shape) - self.split))
        strides += [full, rows]
        self.row_shape, row_strides = collapsed(
            shape[: self.split], [s[: self.split] for s in strides]
        )
        self.column_shape, column_strides = collapsed(
            shape[self.split :], [s[self.split :] for s in strides]
        )
        if not self.column_shape:
            self.column_shape, column_strides = (1,), [(0,)] * len(strides)
        both = list(zip(row_strides, column_strides, strict=True))
        self.steps = dict(zip(self.read, both, strict=False))
        self.full, self.rows = both[-2], both[-1]

    # ---- text ----------------------------------------------------------------------------

    def text(self) -> str:
        """The function, with what it computes above it."""
        body: list[str] = []
        for stage in range(max(self.stage.values(), default=0) + 1):
            body += self._stage(stage)
        scratch = (
            [
                f"{type_of(v.dtype)} t{i}[{math.prod(self.group.shape[self.split :])}];"
                for v, i in self._scratch.items()
            ]
            if self._scratch
            else []
        )
        lines = nest("i", self.row_shape, [*self._row_pointers(), *body])
        told = [f"   {self._told(e)}" for e in self.group.members]
        comment = "/* " + "\n".join(told).lstrip() + " */"
        return "\n".join([comment, f"{self.signature()} {{",
                          *(f"    {line}" for line in [*scratch, *lines]), "}", ""])  # fmt: skip

    def _told(self, equation: Equation) -> str:
        """An equation in words that are the same in all equal kernels."""
        shape = "x".join(map(str, equation.out.shape)) or "scalar"
        return f"{equation.op.name} {shape}"

    _scratch: dict[Value, int]

    def _row_pointers(self) -> list[str]:
        return []

    def _index(self, steps: tuple[Strides, Strides], offset: int, columns: bool = True) -> str:
        terms = [(f"i{a}", s) for a, s in enumerate(steps[0])]
        if columns:
            terms += [(f"j{a}", s) for a, s in enumerate(steps[1])]
        written = [name if s == 1 else f"{name} * {s}" for name, s in terms if s]
        return " + ".join([*written, *([str(offset)] if offset or not written else [])])

    def _load(self, value: Value, stage: int, loaded: dict[Any, str], lines: list[str],
              columns: bool) -> Operand:  # fmt: skip
        view = self.views[value]
        base = view.base
        if base in self.inside:
            if base in self.per_row or self.stage[base] == stage:
                return Operand(self.names[base], base.dtype)
            key: Any = base
            if base in self.writer.plan.stored:
                code = f"{self.pointer(base)}[{self._index(self.full, 0)}]"
            else:
                code = f"t{self._scratch[base]}[{self._column()}]"
        else:
            seen = self.read[value]
            steps = self.steps[value]
            if not any(steps[1]):
                columns = False
            key = (base, steps, seen.offset)
            code = f"{self.pointer(base)}[{self._index(steps, seen.offset, columns)}]"
        if key not in loaded:
            loaded[key] = f"x{len(loaded)}"
            lines.append(f"const {type_of(base.dtype)} {loaded[key]} = {code};")
        return Operand(loaded[key], base.dtype)

    def _column(self) -> str:
        """The number of an element within its row."""
        terms = zip(range(len(self.column_shape)), contiguous(self.column_shape), strict=True)
        return " + ".join(f"j{a} * {s}" if s != 1 else f"j{a}" for a, s in terms)

    def _operands(self, equation: Equation, stage: int, loaded: dict[Any, str],
                  lines: list[str], columns: bool = True) -> list[Operand]:  # fmt: skip
        kind = type_of(equation.out.dtype) or "f64"
        found = []
        for x in equation.inputs:
            if type(x) is Value:
                found.append(self._load(x, stage, loaded, lines, columns))
            elif type(x) is Number:
                found.append(Operand(f"({kind}){self.writer.number(x)}", None))
            else:
                t = kind
                if str(equation.out.dtype) == "bool":
                    t = type_of(next(equation.values()).dtype) or "f64"
                    t = "f64" if t not in ("f32", "f64") and isinstance(x, float) else t
                found.append(Operand(literal(x, t), None))
        return found

    def _stage(self, stage: int) -> list[str]:
        """The pass over the row, then the numbers of the row that follow from it."""
        members = [e for e in self.group.members if self.stage[e.out] == stage]
        loop = [e for e in members if e.out not in self.per_row]
        reductions = [e for e in members if self._reduces(e)]
        after = [e for e in members if e.out in self.per_row and not self._reduces(e)]
        lines: list[str] = []
        loaded: dict[Any, str] = {}
        body: list[str] = []
        if not hasattr(self, "_needs"):
            self._prepare_scratch()
        for equation in loop:
            operands = self._operands(equation, stage, loaded, body)
            name = self.names[equation.out] = f"v{len(self.names)}"
            kind = type_of(equation.out.dtype)
            body.append(f"const {kind} {name} = {expression(equation, operands)};")
            if equation.out in self.writer.plan.stored:
                body.append(f"{self.pointer(equation.out)}[{self._index(self.full, 0)}] = {name};")
            elif equation.out in self._scratch:
                body.append(f"t{self._scratch[equation.out]}[{self._column()}] = {name};")
        before, inner, end, clauses = [], [], [], []
        for equation in reductions:
            (x,) = self._operands(equation, stage, loaded, body)
            name = self.names[equation.out] = f"v{len(self.names)}"
            kind = type_of(equation.out.dtype)
            if equation.op.name == "sum":
                before.append(f"f64 total_{name} = 0;")
                inner.append(f"{kind} {name}_ = 0;")
                body.append(f"{name}_ += {x.code};")
                end.append(f"total_{name} += {name}_;")
                clauses.append(f"reduction(+:{name}_)")
                lines.append(f"const {kind} {name} = ({kind})total_{name};")
            else:
                sign, test = ("-", ">") if equation.op.name == "max" else ("", "<")
                before.append(f"{kind} {name}_ = {sign}INFINITY; i32 nan_{name} = 0;")
                body.append(f"{name}_ = {x.code} {test} {name}_ ? {x.code} : {name}_;")
                body.append(f"nan_{name} |= {x.code} != {x.code};")
                clauses.append(f"reduction({equation.op.name}:{name}_) reduction(|:nan_{name})")
                lines.append(f"const {kind} {name} = nan_{name} ? ({kind})NAN : {name}_;")
        if body:
            looped = [*before, *self._loops(body, inner, end, clauses)]
        else:
            looped = before
        outside: dict[Any, str] = {}
        for equation in after:
            part: list[str] = []
            renamed = {k: f"y{stage}_{i}" for i, k in enumerate(outside)}
            operands = self._operands(equation, stage, outside, part, columns=False)
            fix = {f"x{i}": f"y{stage}_{i}" for i in range(len(outside))}
            part = [_renamed(line, fix) for line in part]
            operands = [Operand(fix.get(o.code, o.code), o.dtype) for o in operands]
            del renamed
            name = self.names[equation.out] = f"v{len(self.names)}"
            kind = type_of(equation.out.dtype)
            lines += [*part, f"const {kind} {name} = {expression(equation, operands)};"]
        for equation in (*reductions, *after):
            if equation.out in self.writer.plan.stored:
                name = self.names[equation.out]
                at = self._index(self.rows, 0, columns=False)
                lines.append(f"{self.pointer(equation.out)}[{at}] = {name};")
        return [*looped, *lines]

    def _prepare_scratch(self) -> None:
        self._needs = True
        self._scratch = {}
        for equation in self.group.members:
            for value in equation.values():
                base = self.views[value].base
                if (
                    base in self.inside
                    and base not in self.per_row
                    and self.stage[base] != self.stage[equation.out]
                    and base not in self.writer.plan.stored
                ):
                    self._scratch.setdefault(base, len(self._scratch))

    def _loops(self, body: Sequence[str], inner: Sequence[str], end: Sequence[str],
               clauses: Iterable[str]) -> list[str]:  # fmt: skip
        *outer, count = self.column_shape
        last = f"j{len(outer)}"
        pragma = " ".join(["#pragma omp simd", *clauses])
        if inner and count > BLOCK:
            lines = [
                f"for (i64 b = 0; b < {count}; b += {BLOCK}) {{",
                *(f"    {line}" for line in inner),
                f"    const i64 e = b + {BLOCK} < {count} ? b + {BLOCK} : {count};",
                f"    {pragma}",
                f"    for (i64 {last} = b; {last} < e; {last}++) {{",
                *(f"        {line}" for line in body), "    }",
                *(f"    {line}" for line in end), "}",
            ]  # fmt: skip
        else:
            lines = [*inner, pragma, f"for (i64 {last} = 0; {last} < {count}; {last}++) {{",
                     *(f"    {line}" for line in body), "}", *end]  # fmt: skip
            if inner:
                lines = ["{", *(f"    {line}" for line in lines), "}"]
        return nest("j", tuple(outer), lines)


class _Columns(_Kernel):
    """A sum along axes that are not the last ones: the rows are added up, one after the other."""

    def text(self) -> str:
        (equation,) = self.group.members
        (x,) = equation.values()
        out = equation.out
        view = self.views[x]
        axes = equation.params["axis"]
        axes = (
            tuple(range(x.ndim)) if axes is None else axes if isinstance(axes, tuple) else (axes,)
        )
        axes = tuple(a % x.ndim for a in axes)
        kept = [n for a, n in enumerate(x.shape) if a not in axes]
        steps = iter(contiguous(tuple(kept)))
        strides = tuple(0 if a in axes else next(steps) for a in range(x.ndim))
        shape, (source, target) = collapsed(x.shape, [view.strides, strides])
        kind = type_of(out.dtype)
        into, given = self.pointer(out), self.pointer(view.base)
        index = _sum_of(source, view.offset)
        lines = [f"for (i64 i = 0; i < {math.prod(out.shape)}; i++) {into}[i] = 0;"]
        lines += nest("i", shape, [f"{into}[{_sum_of(target, 0)}] += {given}[{index}];"])
        comment = f"/* sum {'x'.join(map(str, x.shape))} over axes {axes} */"
        return "\n".join([comment, f"{self.signature()} {{",
                          *(f"    {line}" for line in lines), "}", ""])  # fmt: skip


def _sum_of(strides: Strides, offset: int) -> str:
    terms = [f"i{a} * {s}" if s != 1 else f"i{a}" for a, s in enumerate(strides) if s]
    return " + ".join([*terms, *([str(offset)] if offset or not terms else [])])


def _renamed(line: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        line = line.replace(f" {old} =", f" {new} =")
    return line


def nest(letter: str, shape: Shape, body: Sequence[str]) -> list[str]:
    """`body` inside a loop for each axis."""
    lines = list(body)
    for axis in reversed(range(len(shape))):
        name = f"{letter}{axis}"
        lines = [f"for (i64 {name} = 0; {name} < {shape[axis]}; {name}++) {{",
                 *(f"    {line}" for line in lines), "}"]  # fmt: skip
    return lines


def collapsed(shape: Shape, strides: Sequence[Strides]) -> tuple[Shape, list[Strides]]:
    """Fewer axes with the same elements in the same order: neighbours that fit become one."""
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis, n in enumerate(shape):
        if n == 1:
            continue
        fits = bool(sizes) and all(
            kept[-1] == given[axis] * n for kept, given in zip(steps, strides, strict=True)
        )
        if fits:
            sizes[-1] *= n
        else:
            sizes.append(n)
        for kept, given in zip(steps, strides, strict=True):
            if fits:
                kept[-1] = given[axis]
            else:
                kept.append(given[axis])
    return tuple(sizes), [tuple(s) for s in steps]
