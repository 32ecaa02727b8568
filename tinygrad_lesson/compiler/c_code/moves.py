"""Which ops only move numbers in a way that C code can follow, and where to."""

from __future__ import annotations

from ...arrays import SLOT
from ...tracing.program import Equation, Value
from .operators import FLOATS, type_of
from .views import View, contiguous, strided


def can_move(equation: Equation, views: dict[Value, View]) -> str | None:
    """The kind of group that can run an op of this module; None if there is none."""
    name, out = equation.op.name, equation.out
    if any(type_of(v.dtype) is None for v in (out, *equation.values())):
        return None
    if any(type(x) is not Value for x in equation.inputs):
        return None
    values = equation.values()
    if name in ("concat", "stack"):
        same = all(v.dtype == out.dtype for v in values)
        return "place" if same and equation.params["axis"] is not None else None
    index = equation.params.get("index", ())
    if name == "add_at" and SLOT not in index:
        plain = all(isinstance(i, int | slice) or i is Ellipsis for i in index)
        plain = plain and not any(isinstance(i, bool) for i in index)
        return "place" if plain and values[0].dtype == out.dtype else None
    if not all(v.dtype.kind in "iu" for v in values[1:]) or values[0].dtype != out.dtype:
        return None
    if name == "take" and (equation.params["axis"] == 0 or values[0].ndim == 1):
        return "gather" if _rows_lie_together(views[values[0]], 1) else None
    if name in ("getitem", "add_at") and index and all(i is SLOT for i in index):
        if name == "add_at":
            return "scatter" if type_of(out.dtype) in FLOATS else None
        return "gather" if _rows_lie_together(views[values[0]], len(index)) else None
    return None


def _rows_lie_together(view: View, lead: int) -> bool:
    rest = view.shape[lead:]
    return all(
        n == 1 or s == t
        for n, s, t in zip(rest, view.strides[lead:], contiguous(rest), strict=True)
    )


def places(equation: Equation) -> list[View]:
    """Where in the result each input goes."""
    out = equation.out
    if equation.op.name == "add_at":
        return [strided(out, equation.params["index"])]
    found = []
    axis = equation.params["axis"] % out.ndim
    start = 0
    for value in equation.values():
        whole = (slice(None),) * axis
        if equation.op.name == "stack":
            found.append(strided(out, (*whole, start)))
            start += 1
        else:
            found.append(strided(out, (*whole, slice(start, start + value.shape[axis]))))
            start += value.shape[axis]
    return found
