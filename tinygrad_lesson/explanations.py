"""What single ops refuse, in terms of the user's call: shapes, axes and indices that do not fit."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import (
    ArgumentError,
    DTypeError,
    IndexingError,
    RangeError,
    ShapeError,
    TinygradError,
)
from .graph import Shape
from .op import Op


class Call(NamedTuple):
    """A call that failed.

    Attributes
    ----------
    op, where
        The op, and the layer path and op for the head of the message.
    inputs, shapes
        Tensors or Python numbers, and their shapes.
    params
        The static parameters.
    error, reason
        What the array library raised, and what it said.
    """

    op: Op[...]
    where: str
    inputs: Sequence[Any]
    shapes: list[Shape]
    params: Mapping[str, Any]
    error: Exception
    reason: str

    @property
    def listed(self) -> str:
        """The shapes, as a sentence names them."""
        return " and ".join(map(str, self.shapes))

    @property
    def usage(self) -> str:
        """The remedy that always helps."""
        return f"Call {self.op.usage}."


def broadcast(*shapes: Shape) -> bool:
    """Whether shapes broadcast with one another."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


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


def _getitem(call: Call) -> TinygradError | None:
    shape = call.shapes[0]
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
    index = call.params["index"]
    return ShapeError(
        call.where,
        f"values of shape {call.shapes[1]} do not fit into"
        f" t[{', '.join(map(_written, index))}], of shape {_selected(call)}",
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


def _astype(call: Call) -> TinygradError | None:
    what = "that tensors have" if "tensors hold" in call.reason else ""
    return DTypeError(
        call.where,
        f"{call.params['dtype']!r} is not a dtype {what}".rstrip(),
        "Pass one such as tl.float32.",
    )


EXPLANATIONS: dict[str, Callable[[Call], TinygradError | None]] = {
    "matmul": _matmul,
    "reshape": _reshape,
    "permute_dims": _permute_dims,
    "broadcast_to": _broadcast_to,
    "squeeze": _squeeze,
    "concat": _joined,
    "stack": _joined,
    "max": _of_nothing,
    "min": _of_nothing,
    "argmax": _of_nothing,
    "argmin": _of_nothing,
    "softmax": _of_nothing,
    "log_softmax": _of_nothing,
    "logsumexp": _of_nothing,
    "getitem": _getitem,
    "setitem": _setitem,
    "scatter_add": _getitem,
    "take": _take,
    "one_hot": _one_hot,
    "astype": _astype,
}
"""For ops that refuse in ways of their own: what was off, or None if it was something else."""
