"""Indices that do not exist, and values that do not fit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError, IndexingError, RangeError, ShapeError, TinygradError
from ..graph import Shape
from .call import Call, Explanations


def _getitem(call: Call) -> TinygradError | None:
    shape = call.shapes[0]
    if "must be of integer" in call.reason:
        return DTypeError(
            call.where, "the indices are not integers", "Convert them: indices.astype(tl.int64)."
        )
    if found := re.search(r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)",
                          call.reason):  # fmt: skip
        index, axis, size = map(int, found.groups())
        return IndexingError(
            call.where,
            f"index {index} does not exist in axis {axis} of shape {shape}",
            f"Use an index from {-size} to {size - 1}." if size else "That axis is empty.",
        )
    if found := re.search(r"too many indices.* (\d+) were indexed", call.reason):
        return IndexingError(
            call.where,
            f"{found[1]} indices for shape {shape}, which has {len(shape)} axes",
            "Leave some out.",
        )
    if "indexing arrays could not be broadcast" in call.reason:
        return IndexingError(
            call.where,
            f"index arrays of shapes {' and '.join(map(str, call.shapes[1:]))} do not broadcast",
            "Index arrays must broadcast with one another.",
        )
    return None


def _add_at(call: Call) -> TinygradError | None:
    shape = call.params["shape"]
    if (refused := _getitem(call._replace(shapes=[shape, *call.shapes[1:]]))) is not None:
        return refused
    return ShapeError(
        call.where,
        f"values of shape {call.shapes[0]} do not fit into what the index selects from {shape}",
        "They must broadcast to it.",
    )


def _setitem(call: Call) -> TinygradError | None:
    if (refused := _getitem(call)) is not None:
        return refused
    x, values = call.inputs[:2]
    if isinstance(call.error, TypeError):
        return DTypeError(
            call.where,
            f"{getattr(values, 'dtype', type(values).__name__)} numbers do not fit into a tensor"
            f" of {x.dtype}",
            "Convert the tensor first: t = t.astype(tl.float32).",
        )
    try:
        selected = _selected(call)
    except IndexError as error:  # NumPy looks at the values first
        return _getitem(call._replace(error=error, reason=str(error)))
    return ShapeError(
        call.where,
        f"values of shape {call.shapes[1]} do not fit into"
        f" t[{', '.join(map(_written, call.params['index']))}], of shape {selected}",
        "The values must broadcast to the shape of what the index selects.",
    )


def _selected(call: Call) -> Shape:
    arrays = iter(call.inputs[2:])
    full = tuple(
        next(arrays).raw if _written(item) == "array" else item for item in call.params["index"]
    )
    shape: Shape = np.broadcast_to(False, call.shapes[0])[full].shape
    return shape


def _written(item: Any) -> str:
    """An item of an index as one writes it."""
    if isinstance(item, slice):
        ends = ["" if end is None else str(end) for end in (item.start, item.stop, item.step)]
        return ":".join(ends if item.step is not None else ends[:2])
    return "..." if item is Ellipsis else str(item)


def _take(call: Call) -> TinygradError | None:
    if call.params["axis"] is None and len(call.shapes[0]) != 1:
        return ArgumentError(
            call.where, f"shape {call.shapes[0]} has more than one axis", "Pass axis=."
        )
    indices = call.inputs[1]
    if getattr(indices, "dtype", np.dtype(int)).kind not in "iu":
        return DTypeError(
            call.where,
            f"indices of {indices.dtype} cannot index",
            "Convert them: indices.astype(tl.int64).",
        )
    return _getitem(call)


def _along_axis(call: Call) -> TinygradError | None:
    """For ops whose indices are the last input, with as many axes as the array."""
    x, indices = call.params.get("shape", call.shapes[0]), call.shapes[-1]
    dtype = getattr(call.inputs[-1], "dtype", np.dtype(int))
    if dtype.kind not in "iu":
        return DTypeError(
            call.where,
            f"indices of {dtype} cannot index",
            "Convert them: indices.astype(tl.int64).",
        )
    if "out of bounds" in call.reason:
        return _getitem(call._replace(shapes=[x, indices]))
    return ShapeError(
        call.where,
        f"indices of shape {indices} for an array of shape {x}",
        "They have as many axes, and those beside axis broadcast.",
    )


def _one_hot(call: Call) -> TinygradError | None:
    if not isinstance(call.error, IndexError):
        return None
    x, count = call.inputs[0], call.params["num_classes"]
    wrong = next(c for c in x.raw.flat if not 0 <= c < count)
    return RangeError(
        call.where,
        f"class {wrong} does not exist among num_classes={count}",
        f"Classes are numbered from 0 to {count - 1}.",
    )


EXPLANATIONS: Explanations = {
    "getitem": _getitem,
    "setitem": _setitem,
    "add_at": _add_at,
    "take": _take,
    "one_hot": _one_hot,
    "take_along_axis": _along_axis,
    "add_along_axis": _along_axis,
    "places_along_axis": _along_axis,
}
