"""Axes that cannot be cut into two halves."""

from __future__ import annotations

from ..errors import ArgumentError, ShapeError, TinygradError
from .call import Call, Explanations


def _glu(call: Call) -> TinygradError | None:
    axis = call.params["axis"]
    if axis is None or isinstance(axis, tuple):
        return ArgumentError(call.where, f"axis={axis} is not an integer", call.usage)
    if "equal division" in call.reason:
        return ShapeError(
            call.where,
            f"axis {axis} of shape {call.shapes[0]} has an odd length",
            "It is cut into two halves.",
        )
    return None


EXPLANATIONS: Explanations = {"glu": _glu}
