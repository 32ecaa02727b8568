"""Shapes and dtypes that an array cannot take."""

from __future__ import annotations

import math

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError, TinygradError
from .call import Call, Explanations


def _reshape(call: Call) -> TinygradError | None:
    (shape,), asked = call.shapes, call.params["shape"]
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
    first = call.shapes[0]
    other = next((s for s in call.shapes if len(s) != len(first)), None)
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


EXPLANATIONS: Explanations = {
    "reshape": _reshape,
    "permute_dims": _permute_dims,
    "broadcast_to": _broadcast_to,
    "squeeze": _squeeze,
    "concat": _joined,
    "stack": _joined,
    "astype": _astype,
}
