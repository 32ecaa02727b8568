"""Shapes that depend on numbers: a program has fixed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import TraceError
from .numbers import Number
from .program import Constant, Value

if TYPE_CHECKING:
    from .trace import Trace

SHAPED_BY_VALUES = {
    "flatnonzero": 0, "argwhere": 0, "unique_places": 0, "repeat": 1,
}  # fmt: skip
"""Ops whose result has a shape that depends on numbers, and on those of which input."""


def check_shapes(trace: Trace) -> None:
    """Refuse shapes that depend on numbers which are others in the next step."""
    if not trace._shaped:
        return
    fixed = {v for v in trace.inputs if type(v.source) is Constant}
    for equation in trace.equations:
        if all(x in fixed for x in equation.values()) and not any(
            type(x) is Number for x in equation.inputs
        ):
            fixed.add(equation.out)
    for equation in trace._shaped:
        x = equation.inputs[SHAPED_BY_VALUES[equation.op.name]]
        if type(x) is Value and x not in fixed:
            raise TraceError(
                equation.op.name,
                f"the shape of {trace.described(equation.out)} depends on the numbers of"
                f" {trace.described(x)}, which are others in the next step",
                "Keep the shape, as tl.where(mask, x, 0.0) does, or leave this part of the"
                " step uncompiled.",
            )
