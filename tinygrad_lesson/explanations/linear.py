"""Products of what does not fit together."""

from __future__ import annotations

from ..errors import AxisError, ShapeError, TinygradError
from .call import Call, Explanations, broadcast


def _matmul(call: Call) -> TinygradError | None:
    x, y = call.shapes
    if not x or not y:
        return ShapeError(
            call.where,
            f"a single number has no matrix product: {x} @ {y}",
            "Use * to scale by it.",
        )
    inner = y[0] if len(y) == 1 else y[-2]
    if x[-1] != inner:
        return ShapeError(
            call.where,
            f"{x} @ {y}: the last axis of the first, {x[-1]}, must equal the"
            f" {'only' if len(y) == 1 else 'second last'} axis of the second, {inner}",
            "Transpose the second: x @ y.mT."
            if len(y) > 1 and x[-1] == y[-1]
            else "Check the layer sizes.",
        )
    if broadcast(x[:-2], y[:-2]):
        return None
    return ShapeError(
        call.where,
        f"{x} @ {y}: the axes before the last two do not broadcast",
        "They are lined up from the right; each pair must be equal, or one of them 1.",
    )


def _of_vectors(call: Call) -> TinygradError | None:
    x, y = call.shapes
    axis = call.params["axis"]
    if "from the end" in call.reason:
        return AxisError(
            call.where,
            f"axis {axis} counts from the front of shapes {x} and {y}, which do not line up there",
            "Use a negative axis.",
        )
    if not x or not y:
        return ShapeError(call.where, f"shapes {x} and {y}: a number is no vector", call.usage)
    if not -min(len(x), len(y)) <= axis < min(len(x), len(y)):
        return AxisError(
            call.where, f"axis {axis} does not exist in both of {x} and {y}", "Use axis=-1."
        )
    lengths = {x[axis], y[axis]}
    if call.op.name == "cross" and lengths != {3}:
        return ShapeError(
            call.where,
            f"shapes {x} and {y} do not have length 3 along axis {axis}",
            "Only vectors of length 3 have a vector product.",
        )
    return ShapeError(
        call.where,
        f"shapes {x} and {y} do not fit along axis {axis}"
        if len(lengths) > 1
        else f"shapes {x} and {y} do not broadcast",
        "The vectors must have the same length, and their other axes broadcast.",
    )


EXPLANATIONS: Explanations = {"matmul": _matmul, "vecdot": _of_vectors, "cross": _of_vectors}
