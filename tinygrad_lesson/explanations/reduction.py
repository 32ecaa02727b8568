"""Reductions of nothing, and in dtypes that do not exist."""

from __future__ import annotations

from numbers import Real

from ..arguments import shown
from ..errors import ArgumentError, DTypeError, ShapeError, TinygradError
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


def refused_dtype(call: Call) -> TinygradError | None:
    """A `dtype` that is none, or none that tensors have."""
    if call.params.get("dtype") is None or not isinstance(call.error, TypeError):
        return None
    return DTypeError(
        call.where,
        f"dtype={shown(call.params['dtype'])} is not a dtype that tensors have",
        "Pass one such as tl.float32.",
    )


def _vector_norm(call: Call) -> TinygradError | None:
    ord = call.params["ord"]
    if not isinstance(ord, Real):
        return ArgumentError(
            call.where,
            f"ord={shown(ord)} is no number",
            "Pass one, or use matrix_norm for a norm of matrices.",
        )
    if 0 not in call.shapes[0]:
        return None
    return ShapeError(
        call.where,
        f"shape {call.shapes[0]} has no elements",
        "Of nothing there is no smallest; check the shape.",
    )


EXPLANATIONS: Explanations = {
    **dict.fromkeys(
        ("max", "min", "argmax", "argmin", "softmax", "log_softmax", "logsumexp"), _of_nothing
    ),
    "sum": refused_dtype,
    "prod": refused_dtype,
    "vector_norm": _vector_norm,
}
