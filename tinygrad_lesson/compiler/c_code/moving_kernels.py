"""C functions that add up columns, gather, scatter, and put arrays side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...tracing.program import Equation, Value
from .kernel import Kernel, Strides, collapsed, index_of, nest
from .lowering import axes_of
from .moves import places
from .operators import type_of
from .views import contiguous


class ColumnsKernel(Kernel):
    """A sum along axes that are not the last ones: one of them, and one that stays, in a header."""

    def text(self) -> str:
        """The function, with what it computes above it."""
        (equation,) = self.group.members
        (x,) = equation.values()
        axes = axes_of(equation.params["axis"], x.ndim)
        strides = self.views[x].strides
        kept = [a for a in range(x.ndim) if a not in axes]
        order = [*kept, *sorted(axes, key=lambda a: -abs(strides[a]))]  # of rows, as they lie
        into = (*contiguous(tuple(x.shape[a] for a in kept)), *(0 for _ in axes))
        shape, given = tuple(x.shape[a] for a in order), tuple(strides[a] for a in order)
        shape, (given, into) = collapsed(shape, [given, into])
        if all(into):
            shape, given, into = (*shape, 1), (*given, 0), (*into, 0)
        if not any(into):
            shape, given, into = (*shape, 1), (*given, 0), (*into, 1)
        told = f"sum {'x'.join(map(str, x.shape))} over axes {axes}"
        return self.function(told, self._sums(shape, given, into))

    def _sums(self, shape: Strides, given: Strides, into: Strides) -> list[str]:
        """Loops around the function: over what else stays, some columns, and what else is added."""
        (equation,) = self.group.members
        view = self.views[equation.values()[0]]
        target, source = self.pointer(equation.out), self.pointer(view.base)
        *around, column = (a for a, step in enumerate(into) if step)
        *added, row = (a for a, step in enumerate(into) if not step)
        first = tuple(0 if a == row else step for a, step in enumerate(given))
        call = (
            f"columns_{type_of(view.base.dtype)}({source} + {index_of(first, view.offset)},"
            f" {shape[row]}, {given[row]}, few, {given[column]}, "
        )
        lines = [f"{call}sum);"]
        if added:
            add = ["f64 more[FEW_COLUMNS];", f"{call}more);", f"{EACH} sum[j] += more[j];"]
            lines = [f"{EACH} sum[j] = 0;", *nest("i", shape, add, axes=added)]
        shared = max([column, *around[:1]], key=lambda a: shape[a] // (16 if a == column else 1))
        ends = ("from", "to") if shared == column else ("0", str(shape[column]))
        put = f"{target}[{index_of(into)} + j * {into[column]}] = sum[j];"
        lines = [
            f"for (i64 i{column} = {ends[0]}; i{column} < {ends[1]}; i{column} += FEW_COLUMNS) {{",
            f"    const i64 left = {ends[1]} - i{column};",
            "    const i64 few = left < FEW_COLUMNS ? left : FEW_COLUMNS;",
            "    f64 sum[FEW_COLUMNS];",
            *(f"    {line}" for line in [*lines, f"{EACH} {put}"]), "}",
        ]  # fmt: skip
        share = f"SHARE({shape[shared]}, {16 if shared == column else 1})"
        return [share, *nest("i", shape, lines, shared, around)]


EACH = "for (i64 j = 0; j < few; j++)"


class GatherKernel(Kernel):
    """Rows, or elements, chosen by number: ``x[i]`` and ``x[i, j]``."""

    def text(self) -> str:
        """The function, with what it computes above it."""
        (equation,) = self.group.members
        x, *indices = equation.values()
        view, out = self.views[x], equation.out
        count = len(indices)
        target, source = self.pointer(out), self.pointer(view.base)
        shape = np.broadcast_shapes(*(i.shape for i in indices))
        row = math.prod(x.shape[count:])
        lines = _places(self, indices, x.shape, view.strides[:count], shape)
        at = f"{source}[place + {view.offset} + j]"
        lines += [f"for (i64 j = 0; j < {row}; j++) {target}[number * {row} + j] = {at};"]
        share = [f"SHARE({shape[0]}, 1)"] if shape else ["if (me) return 0;"]
        return self.function(_told(equation), [*share, *_over(shape, lines, shared=0)])


class ScatterKernel(Kernel):
    """Rows, or elements, added up at numbers: the adjoint of the gather."""

    def text(self) -> str:
        """The function, with what it computes above it."""
        (equation,) = self.group.members
        values, *indices = equation.values()
        out = equation.out
        count = len(indices)
        target = self.pointer(out)
        shape = np.broadcast_shapes(*(i.shape for i in indices))
        row = out.shape[count:]
        view = self.views[values].broadcast((*shape, *row))
        source = self.pointer(view.base)
        lines = _places(self, indices, out.shape, contiguous(out.shape)[:count], shape)
        lead = index_of(view.strides[: len(shape)], view.offset, "k")
        tail, (given, into) = collapsed(row, [view.strides[len(shape) :], contiguous(row)])
        add = f"{target}[place + {index_of(into, letter='j')}] +="
        add += f" {source}[{lead} + {index_of(given, letter='j')}];"
        lines += nest("j", tail, [add])
        body = [*filled(target, math.prod(out.shape)), *_over(shape, lines)]
        return self.function(_told(equation), ["if (me) return 0;", *body])


class PlaceKernel(Kernel):
    """Arrays written side by side (concat, stack), or one into zeros (the adjoint of a slice)."""

    def text(self) -> str:
        """The function, with what it computes above it."""
        (equation,) = self.group.members
        out = equation.out
        target = self.pointer(out)
        small = math.prod(out.shape) < ALONE
        lines = ["if (me) return 0;"] if small else []
        if equation.op.name == "add_at":
            lines += _shared("f", (math.prod(out.shape),), [f"{target}[f0] = 0;"], small)
            lines += [] if small else ["meet(m);"]
        for value, place in zip(equation.values(), places(equation), strict=True):
            view = self.views[value].broadcast(place.shape)
            source = self.pointer(view.base)
            shape, (into, given) = collapsed(place.shape, [place.strides, view.strides])
            copy = f"{target}[{index_of(into, place.offset)}] ="
            lines += _shared(
                "i", shape, [f"{copy} {source}[{index_of(given, view.offset)}];"], small
            )
        return self.function(_told(equation), lines)


ALONE = 1 << 13
"""Numbers that one thread has moved before a second one has begun."""


def _shared(letter: str, shape: Strides, body: list[str], alone: bool) -> list[str]:
    """`body` in loops over the axes, of which threads share a long one."""
    if alone or not shape:
        return ([] if alone else ["if (!me)"]) + nest(letter, shape, body)
    axis = next((a for a, n in enumerate(shape) if n >= 32), shape.index(max(shape)))
    loops = nest(letter, shape, body, axis)
    return ["{", f"    SHARE({shape[axis]}, {16 if axis == len(shape) - 1 else 1})",
            *(f"    {line}" for line in loops), "}"]  # fmt: skip


def filled(target: str, count: int) -> list[str]:
    """Zeros everywhere."""
    return [f"for (i64 i = 0; i < {count}; i++) {target}[i] = 0;"]


def _over(shape: tuple[int, ...], lines: list[str], shared: int | None = None) -> list[str]:
    """Loops over the numbers; `number` counts them."""
    return nest("k", shape, [f"const i64 number = {index_of(contiguous(shape), letter='k')};",
                             *lines], shared)  # fmt: skip


def _places(
    kernel: Kernel, indices: list[Value], lengths: tuple[int, ...], strides: tuple[int, ...],
    shape: tuple[int, ...],
) -> list[str]:  # fmt: skip
    """Lines that look up the numbers, and refuse those that count past the end."""
    lines = []
    for n, (index, length) in enumerate(zip(indices, lengths, strict=False)):
        view = kernel.views[index].broadcast(shape)
        at = index_of(view.strides, view.offset, "k")
        lines.append(f"i64 n{n} = (i64){kernel.pointer(view.base)}[{at}];")
        lines.append(f"n{n} += n{n} < 0 ? {length} : 0;")
        lines.append(f"if ((uint64_t)n{n} >= {length}) return 1;")
    terms = [f"n{n} * {s}" for n, s in zip(range(len(indices)), strides, strict=True)]
    return [*lines, f"const i64 place = {' + '.join(terms)};"]


def _told(equation: Equation) -> str:
    shapes = ", ".join("x".join(map(str, v.shape)) for v in equation.values())
    return f"{equation.op.name} {shapes} -> {'x'.join(map(str, equation.out.shape))}"


KERNELS: dict[str, Any] = {
    "columns": ColumnsKernel, "gather": GatherKernel, "scatter": ScatterKernel,
    "place": PlaceKernel,
}  # fmt: skip
"""The kernels of this module, by the kind of group."""
