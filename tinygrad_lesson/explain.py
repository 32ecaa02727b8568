"""Why an op refused its input: the array library's complaint, in terms of the user's call."""

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
from .graph import Shape
from .mode import current
from .op import Op


def explain(
    op: Op[...], inputs: Sequence[Any], params: Mapping[str, Any], error: Exception
) -> Exception:
    """The error to raise in the place of `error`, which `op` met on `inputs`.

    Parameters
    ----------
    op, inputs, params
        The call that failed; the inputs are Tensors or Python numbers.
    error
        What the array library raised.
    """
    if isinstance(error, TinygradError):
        return error
    scope = current().scope
    where = f"{scope} {op.name}" if scope else op.name
    shapes = [tuple(x.shape) for x in inputs if hasattr(x, "shape")]
    listed = " and ".join(str(shape) for shape in shapes) or "numbers"
    reason = str(error).rstrip(".")
    if isinstance(error, np.exceptions.AxisError):
        shape = shapes[0]
        return AxisError(
            where,
            f"axis {params.get('axis', params.get('axes'))} does not exist in shape {listed}",
            f"Use an axis from {-len(shape)} to {len(shape) - 1}."
            if shape else "A single number has no axis; leave axis out.",
        )  # fmt: skip
    if isinstance(error, IndexError):
        return IndexingError(where, f"shape {listed}: {reason}", "Use an index inside the shape.")
    if op.name == "matmul" and isinstance(error, ValueError):
        return _matmul_error(where, shapes)
    if (
        isinstance(error, ValueError)
        and _cannot_broadcast(shapes)
        and op.kind.name == "elementwise"
    ):
        return ShapeError(where, f"shapes {listed} do not broadcast", _broadcast_remedy(shapes))
    if isinstance(error, ValueError):
        made = SHAPE_REMEDIES.get(op.name)
        if made is not None:
            asked = ", ".join(f"{name}={value}" for name, value in params.items())
            return ShapeError(where, f"shape {listed} with {asked}: {reason}", made)
        return RangeError(where, f"shape {listed}: {reason}", f"Call {op.usage}.")
    if isinstance(error, TypeError):
        dtypes = " and ".join(str(getattr(x, "dtype", type(x).__name__)) for x in inputs)
        if "ufunc" in reason or "dtype" in reason or "boolean" in reason:
            return DTypeError(
                where, f"not defined for {dtypes}", "Convert the input, as in x.astype(tl.float32)."
            )
        return ArgumentError(where, reason, f"Call {op.usage}.")
    return error


SHAPE_REMEDIES = {
    "reshape": "The product of the new lengths must be the number of elements; one may be -1.",
    "permute_dims": "axes= names every axis once.",
    "broadcast_to": "Only axes of length 1, and new ones in front, can be stretched.",
    "expand_dims": "axis= names the places of the new axes in the result.",
    "squeeze": "Only axes of length 1 can be removed.",
    "concat": "All arrays must have the same shape but for the length along axis.",
    "stack": "All arrays must have the same shape.",
    "getitem": "Index arrays must broadcast with one another.",
    "scatter_add": "The values must have the shape of what the index selects.",
    "take": "Pass axis=.",
    "max": "A maximum of nothing does not exist; check the shape.",
    "min": "A minimum of nothing does not exist; check the shape.",
    "argmax": "A maximum of nothing does not exist; check the shape.",
    "argmin": "A minimum of nothing does not exist; check the shape.",
    "softmax": "A softmax of nothing does not exist; check the shape.",
    "log_softmax": "A softmax of nothing does not exist; check the shape.",
    "logsumexp": "A logsumexp of nothing does not exist; check the shape.",
}


def _cannot_broadcast(shapes: Sequence[Shape]) -> bool:
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return True
    return False


def _broadcast_remedy(shapes: Sequence[Shape]) -> str:
    """Name the axis that is off; where a new axis would mend it, say which."""
    if len(shapes) == 2:
        first, second = shapes
        for long, short, name in ((first, second, "second"), (second, first, "first")):
            for place in range(len(short), -1, -1):
                stretched = (*short[:place], 1, *short[place:])
                if len(short) < len(long) and not _cannot_broadcast([long, stretched]):
                    return (
                        f"Give the {name} a new axis: expand_dims(..., axis={place}) makes it"
                        f" {stretched}."
                    )
    return "Axes are lined up from the right; each pair must be equal, or one of them 1."


def _matmul_error(where: str, shapes: Sequence[Shape]) -> ShapeError:
    x, y = shapes
    if not x or not y:
        return ShapeError(
            where, f"a single number has no matrix product: {x} @ {y}", "Use * to scale by it."
        )
    inner = y[0] if len(y) == 1 else y[-2]
    if x[-1] != inner:
        fits = len(y) > 1 and x[-1] == y[-1]
        return ShapeError(
            where,
            f"{x} @ {y}: the last axis of the first, {x[-1]}, must equal the"
            f" {'only' if len(y) == 1 else 'second last'} axis of the second, {inner}",
            "Transpose the second: x @ y.mT." if fits else "Check the layer sizes.",
        )
    return ShapeError(
        where,
        f"{x} @ {y}: the axes before the last two do not broadcast",
        "They are lined up from the right; each pair must be equal, or one of them 1.",
    )
