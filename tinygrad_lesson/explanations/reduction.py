"""Reductions of nothing."""

from __future__ import annotations

from ..errors import ShapeError, TinygradError
from .call import Call, Explanations


def _of_nothing(call: Call) -> TinygradError | None:
    if 0 not in call.shapes[0]:
        return None
    noun = {"max": "maximum", "argmax": "maximum", "min": "minimum", "argmin": "minimum"}
    name = noun.get(call.op.name, call.op.name)
    return ShapeError(
        call.where,
        f"shape {call.shapes[0]} has no elements",
        f"A {name} of nothing does not exist; check the shape.",
    )


EXPLANATIONS: Explanations = dict.fromkeys(
    ("max", "min", "argmax", "argmin", "softmax", "log_softmax", "logsumexp"), _of_nothing
)
