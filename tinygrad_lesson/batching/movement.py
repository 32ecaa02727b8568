"""Rules for ops that put elements elsewhere: their axes count past that of the examples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..op import Op
from ..ops.padding import _widths
from ..ops.windows import _resolved
from ..tensor import Tensor
from .batched import Batched
from .rules import RULES, Params, _along_axis, _repeated, _reshaped, _shifted

if TYPE_CHECKING:
    from .level import Level


def _roll(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    out = _along_axis(op, inputs, params, level)
    if out is None or params["axis"] is not None:
        return out
    return _reshaped(out, (level.size, *inputs[0].shape), level)


def _repeat(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    """The same repeats for all examples, which else differ in length."""
    x, repeats = inputs
    if isinstance(repeats, Batched):
        if repeats.many:
            return None
        repeats = repeats.tensor
    axis, tensor = params["axis"], x.tensor
    if axis is None:
        axis, tensor = 0, _reshaped(tensor, (level.size, math.prod(x.shape)), level)
    axis = _shifted(op, axis, tensor.ndim - 1)
    return level.call(op, [tensor, repeats], {**params, "axis": axis})


def _pad(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    (x,) = inputs
    widths = ((0, 0), *_widths(op.name, x.shape, params["pad_width"], params["mode"]))
    return level.call(op, [x.tensor], {**params, "pad_width": widths})


def _unpad(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    widths = ((0, 0), *params["pad_width"])
    return level.call(op, [inputs[0].tensor], {**params, "pad_width": widths})


def _windows(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    (x,), p = inputs, params
    given = _resolved(op.name, x.shape, p["window_shape"], p["axis"], p["stride"], p["dilation"])
    given["axis"] = tuple(a + 1 for a in given["axis"])
    return level.call(op, [x.tensor], given)


def _overlap_add(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    (x,), p, shape = inputs, params, params["shape"]
    sizes = x.shape[len(shape) :]
    given = _resolved(op.name, shape, sizes, p["axis"], p["stride"], p["dilation"])
    del given["window_shape"]
    given["axis"] = tuple(a + 1 for a in given["axis"])
    return level.call(op, [x.tensor], {"shape": (level.size, *shape), **given})


def _diagonal(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    """Also for on_diagonal, which has a shape besides."""
    (x,), shape = inputs, params.get("shape")
    ndim = x.ndim if shape is None else len(shape)
    moved = {name: _shifted(op, params[name], ndim) for name in ("axis1", "axis2")}
    if shape is not None:
        moved["shape"] = (level.size, *shape)
    return level.call(op, [x.tensor], {**params, **moved})


def _along_indices(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    """For take_along_axis and its adjoint: what all examples share broadcasts."""
    arrays = [x.tensor if x.many else _reshaped(x.tensor, (1, *x.shape), level) for x in inputs]
    moved = {"axis": _shifted(op, params["axis"], inputs[0].ndim)}
    if "shape" in params:
        moved["shape"] = (level.size, *params["shape"])
    return level.call(op, arrays, {**params, **moved})


def _places(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    """Places in the array of each example, not in that of all."""
    shape = params["shape"]
    axis = _shifted(op, params["axis"], len(shape))
    given = {"shape": (level.size, *shape), "axis": axis}
    out = level.call(op, [inputs[0].tensor], given)
    return level.call(ops.remainder, [out, math.prod(shape)], {})


def _reduce_at(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    """One long vector of all examples, each with places of its own."""
    x, values, indices = (_repeated(given, level) for given in inputs)
    length = x.shape[1]
    first = Tensor.lift(np.arange(level.size)[:, None] * length)
    places = level.call(ops.remainder, [indices, length], {})
    places = level.call(ops.add, [places, first], {})
    flat = [_reshaped(array, (-1,), level) for array in (x, values, places)]
    return _reshaped(level.call(op, flat, params), x.shape, level)


RULES.update(
    {
        "roll": _roll,
        "repeat": _repeat,
        "sum_repeated": _repeat,
        "pad": _pad,
        "unpad": _unpad,
        "windows": _windows,
        "overlap_add": _overlap_add,
        "diagonal": _diagonal,
        "on_diagonal": _diagonal,
        "take_along_axis": _along_indices,
        "add_along_axis": _along_indices,
        "places_along_axis": _places,
        "reduce_at": _reduce_at,
    }
)
