"""Searches in what is not one sorted row, or on no side of it."""

from __future__ import annotations

from ..errors import RangeError, ShapeError, TinygradError
from .call import Call, Explanations


def _searchsorted(call: Call) -> TinygradError | None:
    x1, side = call.shapes[0], call.params["side"]
    if len(x1) != 1:
        return ShapeError(
            call.where, f"x1 of shape {x1} is not 1-D", "Only one sorted row can be searched."
        )
    if side not in ("left", "right"):
        return RangeError(call.where, f"there is no side {side!r}", 'Pass "left" or "right".')
    return None


EXPLANATIONS: Explanations = {"searchsorted": _searchsorted}
