"""Parts side by side: a sum of arrays that are zero but for a part each is a ``concat``.

Such sums are what the gradient of a cut is: of the queries, keys and values in one matrix, of the
gates in one. Exact to the bit but for the sign of zeros, for ``-0.0 + 0.0`` is 0.0.
"""

from __future__ import annotations

from typing import NamedTuple

from ...arrays import SLOT
from ...tracing.program import Equation, Program, Value
from .rewriting import Workshop, become, improved


class Part(NamedTuple):
    """Rows along an axis, from `start` up to `stop`, and what they are."""

    axis: int
    start: int
    stop: int
    value: Value


def join_parts(program: Program) -> Program:
    """Put parts that fill an array side by side."""
    return improved(program, {"add": _joined})


def _joined(equation: Equation, workshop: Workshop) -> Equation | None:
    found = _parts(equation, workshop)
    if not found:
        return None
    parts = sorted(found, key=lambda part: part.start)
    axis, shape = parts[0].axis, equation.out.shape
    starts = [part.start for part in parts]
    stops = [part.stop for part in parts]
    if {part.axis for part in parts} != {axis} or [0, *stops] != [*starts, shape[axis]]:
        return None
    if any(part.value.dtype != equation.out.dtype for part in parts):
        return None
    return become(equation, "concat", *(part.value for part in parts), axis=axis)


def _parts(equation: Equation, workshop: Workshop) -> list[Part] | None:
    """What a sum is made of, if that is nothing but parts."""
    found: list[Part] = []
    waiting = [*equation.inputs]
    while waiting:
        x = waiting.pop()
        made = workshop.made(x, "add", "add_at")
        if made is None or made.out.shape != equation.out.shape:
            return None
        if made.op.name == "add":
            waiting += made.inputs
            continue
        part = _part(made)
        if part is None:
            return None
        found.append(part)
    return found


def _part(equation: Equation) -> Part | None:
    """What is written into zeros, if it is whole rows along one axis."""
    index, shape, value = equation.params["index"], equation.out.shape, equation.inputs[0]
    if type(value) is not Value or not all(type(i) is slice for i in index) or SLOT in index:
        return None
    whole = [i.indices(n) == (0, n, 1) for i, n in zip(index, shape, strict=False)]
    if whole.count(False) != 1:
        return None
    axis = whole.index(False)
    start, stop, step = index[axis].indices(shape[axis])
    if step != 1 or stop <= start:
        return None
    filled = (*shape[:axis], stop - start, *shape[axis + 1 :])
    return Part(axis, start, stop, value) if value.shape == filled else None
