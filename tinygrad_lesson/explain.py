"""Why an op refused its input: the array library's complaint, in terms of the user's call.

Nothing is checked before an op runs. Only when the array library has refused does the function
for that op here look at the shapes and parameters, and say which of them is off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import (
    ArgumentError,
    AxisError,
    DTypeError,
    IndexingError,
    RangeError,
    ShapeError,
    TinygradError,
)
from .explanations import EXPLANATIONS, Call, broadcast
from .graph import Shape
from .mode import current
from .op import Op

REFUSALS = (ValueError, TypeError, IndexError, OverflowError, AttributeError)
"""What an array library raises for input that it cannot take; all else is passed on as it is."""


def explain(
    op: Op[...], inputs: Sequence[Any], params: Mapping[str, Any], error: Exception
) -> TinygradError:
    """The error to raise in the place of `error`, which `op` met on `inputs`.

    Parameters
    ----------
    op, inputs, params
        The call that failed; the inputs are Tensors or Python numbers.
    error
        What the array library raised.
    """
    scope = current().scope
    shapes = [tuple(getattr(x, "shape", ())) for x in inputs]
    reason = str(error).rstrip(".")
    where = f"{scope} {op.name}" if scope else op.name
    call = Call(op, where, inputs, shapes, params, error, reason)
    return _axis(call) or _of_one_op(call) or _elementwise(call) or _dtype(call) or _other(call)


def _of_one_op(call: Call) -> TinygradError | None:
    explanation = EXPLANATIONS.get(call.op.name)
    try:
        return explanation(call) if explanation is not None else None
    except (*REFUSALS, StopIteration):  # parameters so odd that it cannot be said in its words
        return None


def _axis(call: Call) -> TinygradError | None:
    """An axis that does not exist, is named twice or is no integer."""
    if "axis" not in call.params:
        return None
    axis = call.params["axis"]
    axes = axis if isinstance(axis, tuple) else (axis,)
    for a in axes:
        if a is not None and not isinstance(a, int | np.integer):
            return ArgumentError(call.where, f"axis={a!r} is not an integer", call.usage)
    if "duplicate value" in call.reason:
        return AxisError(call.where, f"axis {axis} names one axis twice", "Name each axis once.")
    if not isinstance(call.error, np.exceptions.AxisError):
        return None
    count, place = len(call.shapes[0]), f"shape {call.shapes[0]}"
    if call.op.name in ("expand_dims", "stack"):
        count += len(axes)
        place = f"the result, which has {count} axes"
    missing = next((a for a in axes if not -count <= a < count), axis)
    return AxisError(
        call.where,
        f"axis {missing} does not exist in {place}",
        f"Use an axis from {-count} to {count - 1}."
        if count
        else "A single number has no axis; leave axis out.",
    )


# ---- what any op may meet ----------------------------------------------------------------


def _elementwise(call: Call) -> TinygradError | None:
    """Shapes that do not broadcast, and Python numbers that do not fit."""
    if isinstance(call.error, OverflowError):
        number = next((x for x in call.inputs if isinstance(x, int)), None)
        dtypes = [x.dtype for x in call.inputs if hasattr(x, "dtype")]
        if number is not None and dtypes:
            return RangeError(
                call.where,
                f"the number {number} does not fit into {dtypes[0]}",
                "Convert the tensor: x.astype(tl.int64).",
            )
    if call.op.kind.name != "elementwise" or broadcast(*call.shapes):
        return None
    remedy = "Axes are lined up from the right; each pair must be equal, or one of them 1."
    if len(call.shapes) == 2:
        first, second = call.shapes
        remedy = _new_axis(first, second, "second") or _new_axis(second, first, "first") or remedy
    return ShapeError(call.where, f"shapes {call.listed} do not broadcast", remedy)


def _new_axis(long: Shape, short: Shape, name: str) -> str | None:
    """The advice to stretch `short`, where one new axis would make it fit."""
    if len(short) >= len(long):
        return None
    for place in range(len(short), -1, -1):
        stretched = (*short[:place], 1, *short[place:])
        if broadcast(long, stretched):
            return (
                f"Give the {name} a new axis: expand_dims(..., axis={place}) makes it {stretched}."
            )
    return None


def _dtype(call: Call) -> TinygradError | None:
    if not isinstance(call.error, TypeError):
        return None
    dtypes = " and ".join(str(getattr(x, "dtype", type(x).__name__)) for x in call.inputs)
    if "boolean subtract" in call.reason:
        remedy = "Use ^ for booleans, or convert one of them: x.astype(tl.float32)."
    elif call.op.name.startswith("bitwise"):
        remedy = "Use booleans or integers."
    elif "ufunc" in call.reason or "dtype" in call.reason or "boolean" in call.reason:
        remedy = "Convert the input, as in x.astype(tl.float32)."
    else:
        return ArgumentError(call.where, call.reason, call.usage)
    return DTypeError(call.where, f"not defined for {dtypes}", remedy)


def _other(call: Call) -> TinygradError:
    if "negative integer powers" in call.reason:
        return RangeError(
            call.where,
            "an integer to a negative power is not an integer",
            "Convert it: x.astype(tl.float32).",
        )
    what = f"shape {call.listed}: {call.reason}"
    if isinstance(call.error, IndexError):
        return IndexingError(call.where, what, "Use an index inside the shape.")
    if isinstance(call.error, ValueError | OverflowError):
        return RangeError(call.where, what, call.usage)
    return ArgumentError(call.where, what, call.usage)
