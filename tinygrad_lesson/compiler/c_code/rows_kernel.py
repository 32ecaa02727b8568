"""The C function of a group of rows: elementwise ops in stages, with reductions between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...dtypes import name_of
from ...tracing.numbers import Number
from ...tracing.program import Equation, Value
from .kernel import Kernel, Strides, collapsed, index_of, nest
from .memory_plan import LONG
from .operators import FLOATS, SLOW_OPERATORS, Operand, expression, literal, type_of
from .passages import PASSAGE, Passages, Scope
from .schedule import REDUCTIONS, Group
from .views import View, contiguous

if TYPE_CHECKING:
    from .writer import Writer

SHARED = 1 << 15
"""So many elements of a single row are worth being shared among threads."""

SLICES, MOST_SUMS = 16, 8
"""A row that is shared is cut into so many slices, however many threads there are."""

BLOCK = 2048
"""So many numbers are summed up in single precision before they enter a sum in double."""


class RowsKernel(Kernel):
    """Loops over rows; in each, for every stage, a loop over the elements of the row."""

    def __init__(self, writer: Writer, group: Group) -> None:
        super().__init__(writer, group)
        self.split = group.row_axes
        self.per_row = group.per_row
        self.names: dict[Value, str] = {}
        self.stage = self._sunk()
        self.kept = self._kept_for_later()
        self.read = self._views_from_outside()
        for value in group.outputs():
            if value in self.stored_anywhere:
                self.pointer(value)
        for view in self.read.values():
            self.pointer(view.base)
        self._settle_loops()

    # ---- what happens when and where -----------------------------------------------------

    def _sunk(self) -> dict[Value, int]:
        """The stage of each result: what is not needed before a later one is computed there."""
        stage = dict(self.group.stage)
        if not any(stage.values()) or math.prod(self.group.shape[self.split :]) > LONG:
            return stage  # the memory plan keeps what a later stage needs, and knows no other
        needed: dict[Value, int] = {}  # from which stage on
        for equation in reversed(self.group.members):
            out = equation.out
            if out not in self.per_row:
                stage[out] = max(stage[out], needed.get(out, 0))
            for base in self._bases(equation):
                needed[base] = min(stage[out], needed.get(base, stage[out]))
        return stage

    def _bases(self, equation: Equation) -> list[Value]:
        return [self.views[value].base for value in equation.values()]

    def _kept_for_later(self) -> dict[Value, str]:
        """Elements that a later stage needs and that are stored nowhere else: rows of their own."""
        found: dict[Value, str] = {}
        if not any(self.stage.values()):
            return found
        for equation in self.group.members:
            for base in self._bases(equation):
                if (
                    base in self.inside
                    and base not in self.per_row
                    and base not in self.stored_anywhere
                    and self.stage[base] != self.stage[equation.out]
                ):
                    found.setdefault(base, f"t{len(found)}")
        return found

    def _views_from_outside(self) -> dict[tuple[Value, bool], View]:
        """The inputs that others made, as the elements of the group see them, or as its rows do."""
        found: dict[tuple[Value, bool], View] = {}
        shape = self.group.shape
        for equation in self.group.members:
            once_a_row = equation.out in self.per_row and not self._reduces(equation)
            for value in equation.values():
                view = self.views[value]
                if view.base in self.inside:
                    continue
                if once_a_row:
                    seen = view.broadcast(equation.out.shape)
                    along = (*seen.strides[: self.split], *(0,) * (len(shape) - self.split))
                    found[value, True] = View(seen.base, shape, along, seen.offset)
                else:
                    found[value, False] = view.broadcast(shape)
        return found

    def _reduces(self, equation: Equation) -> bool:
        return equation.out in self.per_row and equation.op.name in REDUCTIONS

    def _settle_loops(self) -> None:
        """Neighbouring axes that all arrays step through evenly become one loop."""
        shape, split = self.group.shape, self.split
        once = (*contiguous(shape[:split]), *(0,) * (len(shape) - split))
        strides = [*(view.strides for view in self.read.values()), contiguous(shape), once]
        self.rows, along_rows = collapsed(shape[:split], [s[:split] for s in strides])
        self.columns, along = collapsed(shape[split:], [s[split:] for s in strides])
        if not self.columns:
            self.columns, along = (1,), [(0,)] * len(strides)
        steps = list(zip(along_rows, along, strict=True))
        self.steps = dict(zip(self.read, steps, strict=False))
        self.own_steps, self.row_steps = steps[-2:]

    # ---- text ----------------------------------------------------------------------------

    def text(self) -> str:
        """The function, with what it computes above it."""
        length = math.prod(self.group.shape[self.split :])
        scratch = [f"{type_of(v.dtype)} {name}[{length}];" for v, name in self.kept.items()]
        body: list[str] = []
        stages = max(self.stage.values()) + 1
        large = math.prod(self.group.shape) >= SHARED
        self.in_slices = not self.rows and large and self._can_slice()
        for stage in range(stages):
            body += self._stage(stage)
        if self.rows:
            body = [f"SHARE({self.rows[0]}, 1)", *nest("i", self.rows, body, shared=0)]
        elif not (self.in_slices or self._loops_once()):
            body = ["if (me) return 0;", *body]
        told = [f"{e.op.name} {'x'.join(map(str, e.out.shape))}".rstrip()
                for e in self.group.members]  # fmt: skip
        return self.function("\n   ".join(told), [*scratch, *body])

    def _loops_once(self) -> bool:
        """Whether each element can be computed without the others."""
        return not self.per_row

    def _can_slice(self) -> bool:
        """Whether the one row can be cut up: sums over all, and what follows from them alone."""
        looped = [e for e in self.group.members if e.out not in self.per_row]
        sums = [e for e in self.group.members if self._reduces(e)]
        return (
            bool(sums)
            and all(e.op.name == "sum" for e in sums)
            and len(sums) <= MOST_SUMS
            and all(self.stage[e.out] == 0 for e in (*looped, *sums))
        )

    def _stage(self, stage: int) -> list[str]:
        """A pass over the row, then the numbers of the row that follow from it."""
        members = [e for e in self.group.members if self.stage[e.out] == stage]
        reductions = [e for e in members if self._reduces(e)]
        scope = Scope("x")
        for equation in members:
            if equation.out not in self.per_row:
                self._compute(equation, stage, scope)
                self._keep(equation.out, scope)
        sums = [self._reduction(e, stage, scope) for e in reductions]
        lines = [line for reduction in sums for line in reduction.before]
        if scope.lines:
            lines += self._loop(scope, sums)
        lines += [line for reduction in sums for line in reduction.after]
        outside = Scope(f"y{stage}_")
        for equation in members:
            if equation.out in self.per_row and not self._reduces(equation):
                self._compute(equation, stage, outside, columns=False)
        lines += outside.lines
        for equation in members:
            if equation.out in self.per_row and equation.out in self.stored_anywhere:
                at = self._place(self.row_steps, columns=False)
                lines.append(f"{self.pointer(equation.out)}[{at}] = {self.names[equation.out]};")
        return lines

    def _compute(self, equation: Equation, stage: int, scope: Scope, columns: bool = True) -> None:
        operands = [self._operand(x, equation, stage, scope, columns) for x in equation.inputs]
        name = self._named(equation.out)
        kind = type_of(equation.out.dtype)
        scope.define(
            name, kind or "", expression(equation, operands), equation.op.name in SLOW_OPERATORS
        )

    def _named(self, value: Value) -> str:
        name = self.names[value] = f"v{len(self.names)}"
        return name

    def _keep(self, value: Value, scope: Scope) -> None:
        name = self.names[value]
        if value in self.stored_anywhere:
            scope.lines.append(f"{self.pointer(value)}[{self._place(self.own_steps)}] = {name};")
        elif value in self.kept:
            scope.lines.append(f"{self.kept[value]}[{self._column()}] = {name};")

    def _operand(
        self, x: Any, equation: Equation, stage: int, scope: Scope, columns: bool
    ) -> Operand:
        if type(x) is Value:
            return self._loaded(x, stage, scope, columns)
        kind = type_of(equation.out.dtype) or "f64"
        if name_of(equation.out.dtype) == "bool":  # a comparison is made in the type of its arrays
            kind = type_of(equation.values()[0].dtype) or "f64"
            kind = "f64" if kind not in FLOATS and isinstance(x, float) else kind
        if type(x) is Number:
            return Operand(f"({kind}){self.writer.number(x)}", None)
        return Operand(literal(x, kind), None)

    def _loaded(self, value: Value, stage: int, scope: Scope, columns: bool) -> Operand:
        base = self.views[value].base
        kind = type_of(base.dtype)
        assert kind is not None
        if base in self.inside and (base in self.per_row or self.stage[base] == stage):
            return Operand(self.names[base], base.dtype)
        if base in self.kept:
            code = f"{self.kept[base]}[{self._column()}]"
            return Operand(scope.loaded(base, kind, code), base.dtype)
        if base in self.inside:
            steps, offset = self.own_steps, 0
        else:
            key = (value, not columns)
            steps, offset = self.steps[key], self.read[key].offset
        place = (base, steps, offset)
        if place in scope.names:
            return Operand(scope.names[place], base.dtype)
        code = f"{self.pointer(base)}[{self._place(steps, offset, columns)}]"
        return Operand(scope.loaded(place, kind, code), base.dtype)

    def _place(self, steps: tuple[Strides, Strides], offset: int = 0, columns: bool = True) -> str:
        """C code of the place of an element in an array."""
        parts = [index_of(steps[0])] if any(steps[0]) else []
        parts += [index_of(steps[1], letter="j")] if columns and any(steps[1]) else []
        parts += [str(offset)] if offset or not parts else []
        return " + ".join(parts)

    def _column(self) -> str:
        """C code of the number of an element within its row."""
        return index_of(contiguous(self.columns), letter="j")

    # ---- reductions ----------------------------------------------------------------------

    def _reduction(self, equation: Equation, stage: int, scope: Scope) -> _Reduction:
        x = self._operand(equation.inputs[0], equation, stage, scope, columns=True).code
        name, kind = self._named(equation.out), type_of(equation.out.dtype)
        if equation.op.name == "sum":
            scope.lines.append(f"{name}_ += {x};")
            return _Reduction(
                scope.lines[-1],
                [f"f64 {name}_total = 0;"], [f"{kind} {name}_ = 0;"], [f"{name}_total += {name}_;"],
                [f"const {kind} {name} = ({kind}){name}_total;"], f"reduction(+:{name}_)",
            )  # fmt: skip
        worst, sign, kept = "INFINITY", "<", "least"
        if equation.op.name == "max":
            worst, sign, kept = "-INFINITY", ">", "largest"
        code = f"{name}_ = {x} {sign} {name}_ ? {x} : {name}_;"
        scope.lines.append(f"{code} {name}_nan |= {x} != {x};")
        return _Reduction(
            scope.lines[-1],
            [f"{kind} {name}_ = {worst};", f"i32 {name}_nan = 0;"], [], [],
            [f"const {kind} {name} = {name}_nan ? ({kind})NAN : {name}_;"],
            f"reduction({kept}:{name}_) reduction(|:{name}_nan)",
        )  # fmt: skip

    def _loop(self, scope: Scope, reductions: Sequence[_Reduction]) -> list[str]:
        """The loop over the elements of a row."""
        *outer, count = self.columns
        letter = f"j{len(outer)}"
        begin = [line for r in reductions for line in r.begin]
        end = [line for r in reductions for line in r.end]
        first, last = "0", str(count)
        shared = None
        head: list[str] = []
        if self.in_slices:
            shared = 0
        elif not self.rows and self._loops_once():
            head, shared = [f"SHARE({self.columns[0]}, {1 if outer else 16})"], 0
        if shared is not None and not outer:
            first, last = "from", "to"
        clauses = {r.line: r.clause for r in reductions}
        passages = Passages(scope, letter, clauses, apart=count >= PASSAGE // 8)
        block = BLOCK if len(passages) == 1 else PASSAGE
        if len(passages) > 1 or (begin and (count > BLOCK or self.in_slices)):
            begin = [*passages.arrays(), *begin]
            lines = [f"for (i64 b = {first}; b < {last}; b += {block}) {{", *_indented(begin),
                     f"    const i64 e = b + {block} < {last} ? b + {block} : {last};",
                     *_indented(passages.loops("b", "e")), *_indented(end), "}"]  # fmt: skip
        else:
            lines = passages.loops(first, last)
            if begin:
                lines = ["{", *_indented([*begin, *lines, *end]), "}"]
        lines = nest("j", tuple(outer), lines, shared if outer else None)
        if self.in_slices:
            return self._sliced(lines, reductions)
        return ["{", *_indented([*head, *lines]), "}"] if head else lines

    def _sliced(self, lines: list[str], reductions: Sequence[_Reduction]) -> list[str]:
        """The same for each slice of the row; one thread adds up what all of them found."""
        size = self.columns[0]
        totals = [r.before[0].split()[1] for r in reductions]
        keep = [f"parts[slice * {MOST_SUMS} + {i}] = {name};" for i, name in enumerate(totals)]
        before = [line for r in reductions for line in r.before]
        add = [f"{name} += parts[slice * {MOST_SUMS} + {i}];" for i, name in enumerate(totals)]
        return [
            f"for (i64 slice = {SLICES} * me / m->size; slice < {SLICES} * (me + 1) / m->size;"
            " slice++) {",
            f"    const i64 from = {size} * slice / {SLICES};",
            f"    const i64 to = {size} * (slice + 1) / {SLICES};",
            *_indented([*before, *lines, *keep]), "}", "meet(m);", "if (me) return 0;",
            f"for (i64 slice = 0; slice < {SLICES}; slice++) {{", *_indented(add), "}",
        ]  # fmt: skip


class _Reduction:
    """C code around the loop in which a row becomes a number.

    Single precision is summed up in blocks (`begin` and `end` stand around each), for the sake of
    accuracy; the sum of the blocks is in double precision.
    """

    def __init__(
        self, line: str, before: list[str], begin: list[str], end: list[str], after: list[str],
        clause: str,
    ) -> None:  # fmt: skip
        self.line = line
        self.before, self.begin, self.end, self.after = before, begin, end, after
        self.clause = clause


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
