"""Shapes and dtypes that an array cannot take."""

from __future__ import annotations

import math

import numpy as np

from ..errors import (
    ArgumentError,
    AxisError,
    DTypeError,
    RangeError,
    ShapeError,
    TinygradError,
)
from .call import Call, Explanations


def _reshape(call: Call) -> TinygradError | None:
    (shape,), asked = call.shapes, call.params["shape"]
    if "avoid creating a copy" in call.reason:
        return RangeError(
            call.where,
            f"shape {shape} becomes {asked} only in a copy, as it lies in memory",
            "Leave out copy=False.",
        )
    lengths = asked if isinstance(asked, tuple) else (asked,)
    if not all(isinstance(n, int | np.integer) for n in lengths):
        return ArgumentError(call.where, f"shape={asked!r} are not integers", call.usage)
    if lengths.count(-1) > 1:
        what = f"shape={asked} leaves two lengths open"
    else:
        what = (
            f"shape {shape} has {math.prod(shape)} elements, shape={asked} asks for"
            f" {abs(math.prod(lengths))}{' times a whole number' if -1 in lengths else ''}"
        )
    return ShapeError(
        call.where,
        what,
        "The product of the new lengths must be the number of elements; one may be -1.",
    )


def _permute_dims(call: Call) -> TinygradError | None:
    shape = call.shapes[0]
    return ShapeError(
        call.where,
        f"axes={call.params['axes']} do not name every axis of shape {shape} once",
        f"Use a permutation of {tuple(range(len(shape)))}.",
    )


def _broadcast_to(call: Call) -> TinygradError | None:
    return ShapeError(
        call.where,
        f"shape {call.listed} cannot become {call.params['shape']}",
        "Only axes of length 1, and new ones in front, can be stretched.",
    )


def _squeeze(call: Call) -> TinygradError | None:
    (shape,), axis = call.shapes, call.params["axis"]
    axes = axis if isinstance(axis, tuple) else (axis,)
    long = next(a for a in axes if shape[a] != 1)
    return ShapeError(
        call.where,
        f"axis {long} of shape {shape} has length {shape[long]}",
        "Only axes of length 1 can be removed.",
    )


def _joined(call: Call) -> TinygradError | None:
    if not call.shapes:
        return None
    first, last = call.shapes[0], call.inputs[-1]
    other = next((s for s in call.shapes if len(s) != len(first)), None)
    if type(last) is int and first:
        return ShapeError(
            call.where,
            f"{last} after arrays is read as one of them",
            f"Write axis={last}, or put the arrays into a list.",
        )
    if call.op.name == "stack" or other is not None:
        other = other or next(s for s in call.shapes if s != first)
        return ShapeError(
            call.where,
            f"shapes {first} and {other} differ",
            "All arrays must have the same shape."
            if call.op.name == "stack"
            else "All arrays must have the same number of axes.",
        )
    if not first:
        return ShapeError(
            call.where, "single numbers have no axis to join along", "Use stack instead."
        )
    axis = call.params["axis"] % len(first)
    other, differs = next(
        (s, a) for s in call.shapes for a in range(len(s)) if a != axis and s[a] != first[a]
    )
    return ShapeError(
        call.where,
        f"shapes {first} and {other} differ in axis {differs}",
        f"All arrays must have the same shape but for the length along axis {axis}.",
    )


def _astype(call: Call) -> TinygradError | None:
    what = "that tensors have" if "tensors hold" in call.reason else ""
    return DTypeError(
        call.where,
        f"{call.params['dtype']!r} is not a dtype {what}".rstrip(),
        "Pass one such as tl.float32.",
    )


def _matrices(call: Call) -> TinygradError | None:
    shape = call.shapes[0]
    if len(shape) < 2:
        return ShapeError(
            call.where,
            f"shape {shape} is no matrix",
            "Pass two axes or more; a vector becomes a diagonal matrix with diag.",
        )
    if call.op.name != "diagonal":
        return None
    axes = call.params["axis1"], call.params["axis2"]
    if not all(isinstance(a, int | np.integer) for a in axes):
        return None
    missing = next((a for a in axes if not -len(shape) <= a < len(shape)), None)
    if missing is not None:
        return AxisError(
            call.where,
            f"axis {missing} does not exist in shape {shape}",
            f"Use an axis from {-len(shape)} to {len(shape) - 1}.",
        )
    return AxisError(call.where, f"axis1 and axis2 of {axes} are the same", "Name two axes.")


def _roll(call: Call) -> TinygradError | None:
    shift, axis = call.params["shift"], call.params["axis"]
    shifts = shift if isinstance(shift, tuple) else (shift,)
    if not all(isinstance(s, int | np.integer) for s in shifts):
        return ArgumentError(call.where, f"shift={shift!r} are not integers", call.usage)
    return ArgumentError(
        call.where,
        f"shift={shift} and axis={axis} differ in number",
        "Pass one shift, or one for each axis.",
    )


def _repeat(call: Call) -> TinygradError | None:
    (shape, _), repeats, axis = call.shapes, call.inputs[1], call.params["axis"]
    counts = np.asarray(getattr(repeats, "raw", repeats))
    if counts.dtype.kind not in "iu":
        return DTypeError(
            call.where, f"repeats of {counts.dtype} are not integers", "Pass integers."
        )
    if counts.min(initial=0) < 0:
        return RangeError(call.where, f"repeats={counts.min()} is negative", "Pass 0 or more.")
    along = f"axis {axis} of shape {shape}" if axis is not None else f"shape {shape}, flattened,"
    length = shape[axis] if axis is not None else math.prod(shape)
    return ShapeError(
        call.where,
        f"repeats of shape {counts.shape} for {along} with {length} elements",
        "Pass one number, or one for each element.",
    )


def _pad(call: Call) -> TinygradError | None:
    if "would be cut" not in call.reason and "cannot convert float" not in call.reason:
        return None
    value, dtype = call.params["constant_values"], call.inputs[0].dtype
    return DTypeError(
        call.where, f"constant_values={value} is no {dtype}", "Convert: x.astype(tl.float32)."
    )


EXPLANATIONS: Explanations = {
    "tril": _matrices,
    "triu": _matrices,
    "diagonal": _matrices,
    "matrix_transpose": _matrices,
    "roll": _roll,
    "repeat": _repeat,
    "pad": _pad,
    "reshape": _reshape,
    "permute_dims": _permute_dims,
    "broadcast_to": _broadcast_to,
    "squeeze": _squeeze,
    "concat": _joined,
    "stack": _joined,
    "astype": _astype,
}
