"""Scans without an axis, and links that do not fit."""

from __future__ import annotations

from ..errors import ArgumentError, ShapeError, TinygradError
from .call import Call, Explanations
from .reduction import refused_dtype


def _scan(call: Call) -> TinygradError | None:
    (shape,) = call.shapes
    if call.params["axis"] is None and len(shape) != 1:
        return ArgumentError(
            call.where,
            f"shape {shape} is not 1-D",
            "Pass axis=, or flatten it first." if shape else "Give it an axis: x.reshape(1).",
        )
    return refused_dtype(call)


def _linear_recurrence(call: Call) -> TinygradError | None:
    x, links = call.shapes
    return ShapeError(
        call.where,
        f"links of shape {links} do not fit shape {x} along axis {call.params['axis']}",
        "They have the same shape, but are shorter by one along that axis.",
    )


EXPLANATIONS: Explanations = {
    **dict.fromkeys(
        (
            "cumulative_sum", "cumulative_prod", "cumulative_logsumexp", "cumulative_max",
            "cumulative_min", "cumulative_argmax", "cumulative_argmin",
        ),
        _scan,
    ),
    "linear_recurrence": _linear_recurrence,
}  # fmt: skip
