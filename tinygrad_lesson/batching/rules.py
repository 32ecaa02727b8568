"""How an op runs on all examples at once.

An elementwise op needs its axes lined up, a reduction its axis counted past the first; a product
has that axis in front. These follow from the kind of the op; a few ops have rules of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from string import ascii_letters
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import arguments, ops
from ..arrays import SLOT
from ..arrays.subscripts import parse
from ..op import Op
from ..tensor import Tensor
from .batched import Batched

if TYPE_CHECKING:
    from .level import Level

Params = Mapping[str, Any]
Rule = Callable[[Op[...], Sequence[Any], Params, "Level"], Tensor | None]


def batched_call(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    """The results of all examples along a new first axis; None if there is no rule."""
    rule = RULES.get(op.name) or BY_KIND.get(op.kind.name)
    return rule(op, inputs, params, level) if rule is not None else None


# ---- helpers -----------------------------------------------------------------------------


def _reshaped(x: Tensor, shape: tuple[int, ...], level: Level) -> Tensor:
    return level.call(ops.reshape, [x], {"shape": shape})


def _lined_up(x: Any, ndim: int, level: Level) -> Any:
    """The tensor of `x` with the axis of examples in front of `ndim` others, if it has one."""
    if not isinstance(x, Batched):
        return x
    if not x.many or x.ndim >= ndim:
        return x.tensor
    return _reshaped(x.tensor, (level.size, *(1,) * (ndim - x.ndim), *x.shape), level)


def _repeated(x: Any, level: Level) -> Tensor:
    """The tensor of `x` with an axis of examples, even if all are the same."""
    if not isinstance(x, Batched):
        x = level.taken(np.asarray(x))
    if x.many:
        return x.tensor  # type: ignore[no-any-return]
    return level.call(ops.broadcast_to, [x.tensor], {"shape": (level.size, *x.shape)})


def _shifted(op: Op[...], axis: Any, ndim: int) -> Any:
    """Axes of one example, which has `ndim`, where the examples have one more in front.

    One that the example does not have is refused: it would be that of the examples.
    """
    if isinstance(axis, tuple):
        return tuple(a + 1 for a in arguments.axes(op.name, axis, ndim))
    return arguments.axis(op.name, axis, ndim) + 1


def _only_first(inputs: Sequence[Any]) -> bool:
    """Whether the first input is the only one that differs between examples."""
    return inputs[0].many and not any(isinstance(x, Batched) and x.many for x in inputs[1:])


# ---- by kind -----------------------------------------------------------------------------


def _elementwise(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    ndim = max(x.ndim for x in inputs if isinstance(x, Batched))
    return level.call(op, [_lined_up(x, ndim, level) for x in inputs], params)


def _along_axis(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    """A single array, and an `axis` that may be None for all of them, flattened."""
    if len(inputs) != 1 or "axis" not in params:
        return None
    (x,), axis = inputs, params["axis"]
    if axis is None:
        flat = _reshaped(x.tensor, (level.size, math.prod(x.shape)), level)
        out = level.call(op, [flat], {**params, "axis": 1})
        keep = params.get("keepdims", False)
        return _reshaped(out, (level.size, *(1,) * x.ndim), level) if keep and x.ndim else out
    if x.ndim == 0:
        return None
    return level.call(op, [x.tensor], {**params, "axis": _shifted(op, axis, x.ndim)})


def _together_along_axis(
    op: Op[...], inputs: Sequence[Any], params: Params, level: Level
) -> Tensor:
    """Several arrays of one shape, and an `axis` that is a number."""
    arrays = [_repeated(x, level) for x in inputs]
    return level.call(op, arrays, {**params, "axis": _shifted(op, params["axis"], inputs[0].ndim)})


def _as_it_is(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    """An op that looks at no axis."""
    if len(inputs) != 1:
        return None
    return level.call(op, [inputs[0].tensor], params)


def _of_matrices(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    """An op that only looks at the last two axes, if one example has them."""
    return _as_it_is(op, inputs, params, level) if inputs[0].ndim >= 2 else None


# ---- movement ----------------------------------------------------------------------------


def _reshape(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    shape = params["shape"]
    lengths = shape if isinstance(shape, tuple) else (shape,)
    return level.call(op, [inputs[0].tensor], {**params, "shape": (level.size, *lengths)})


def _permute_dims(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    x = inputs[0]
    axes = params["axes"] or tuple(reversed(range(x.ndim)))
    return level.call(op, [x.tensor], {"axes": (0, *_shifted(op, axes, x.ndim))})


def _broadcast_to(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    shape = params["shape"]
    lengths = shape if isinstance(shape, tuple) else (shape,)
    x = _lined_up(inputs[0], len(lengths), level)
    return level.call(op, [x], {"shape": (level.size, *lengths)})


def _squeeze(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    x, axis = inputs[0], params["axis"]
    if axis is None:
        axis = tuple(a for a, n in enumerate(x.shape) if n == 1)
    return level.call(op, [x.tensor], {"axis": _shifted(op, axis, x.ndim)})


def _expand_dims(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    (x,), axis = inputs, params["axis"]
    ndim = x.ndim + (len(axis) if isinstance(axis, tuple) else 1)
    return level.call(op, [x.tensor], {"axis": _shifted(op, axis, ndim)})


def _flip(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    x, axis = inputs[0], params["axis"]
    axis = tuple(range(x.ndim)) if axis is None else axis
    return level.call(op, [x.tensor], {"axis": _shifted(op, axis, x.ndim)})


def _concat(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    tensors, axis = [_repeated(x, level) for x in inputs], params["axis"]
    if axis is None:
        tensors = [_reshaped(t, (level.size, math.prod(t.shape[1:])), level) for t in tensors]
        axis = 0
    return level.call(op, tensors, {"axis": _shifted(op, axis, tensors[0].ndim - 1)})


def _stack(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    tensors = [_repeated(x, level) for x in inputs]
    return level.call(op, tensors, {"axis": _shifted(op, params["axis"], tensors[0].ndim)})


# ---- products ----------------------------------------------------------------------------


def _matmul(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    x, y = inputs
    if not x.ndim or not y.ndim:
        return None
    row, column = x.ndim == 1, y.ndim == 1
    # A row or column of each example becomes a matrix, and what else is stacked lines up.
    left = _reshaped(x.tensor, (*x.tensor.shape[:-1], 1, x.shape[0]), level) if row else x.tensor
    right = _reshaped(y.tensor, (*y.tensor.shape, 1), level) if column else y.tensor
    ndim = max(x.ndim, y.ndim, 2)
    out = level.call(
        op,
        [
            _in_front(left, x.many, ndim, level),
            _in_front(right, y.many, ndim, level),
        ],
        {},
    )
    shape = out.shape[: out.ndim - 2]
    shape += () if row else out.shape[-2:-1]
    shape += () if column else out.shape[-1:]
    return _reshaped(out, shape, level) if row or column else out


def _affine(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    x, weight, bias = inputs
    if not weight.many and not bias.many:
        return level.call(op, [x.tensor, weight.tensor, bias.tensor], params)
    out: Batched = level.add(level.matmul(x, level.matrix_transpose(weight)), bias)
    return out.tensor


def _in_front(x: Tensor, many: bool, ndim: int, level: Level) -> Tensor:
    if not many or x.ndim > ndim:
        return x
    return _reshaped(x, (x.shape[0], *(1,) * (ndim + 1 - x.ndim), *x.shape[1:]), level)


def _vectors(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    lined_up = -min(x.ndim for x in inputs) <= params["axis"] < 0
    return _elementwise(op, inputs, params, level) if lined_up else None


def _einsum(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor:
    """The examples have a letter of their own."""
    plan = parse(params["subscripts"], tuple(x.ndim for x in inputs))
    letter = next(letter for letter in ascii_letters if letter not in str(plan))
    terms = [letter * x.many + term for x, term in zip(inputs, plan.terms, strict=True)]
    subscripts = f"{','.join(terms)}->{letter}{plan.result}"
    return level.call(op, [x.tensor for x in inputs], {"subscripts": subscripts})


def _solve(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    """A vector of each example becomes a matrix, as only a lone one is taken for a vector."""
    x, y = inputs
    if x.ndim < 2 or not y.ndim:
        return None
    right = _reshaped(y.tensor, (*y.tensor.shape, 1), level) if y.ndim == 1 else y.tensor
    ndim = max(x.ndim, y.ndim)
    arrays = [_in_front(x.tensor, x.many, ndim, level), _in_front(right, y.many, ndim, level)]
    out = level.call(op, arrays, params)
    return _reshaped(out, out.shape[:-1], level) if y.ndim == 1 else out


# ---- indexing ----------------------------------------------------------------------------


def _in_place(index: tuple[Any, ...]) -> bool:
    """Whether NumPy leaves the axes of the index arrays where they are, next to one another."""
    chosen = [i for i, item in enumerate(index) if item is SLOT or type(item) is int]
    return SLOT not in index or chosen == list(range(chosen[0], chosen[-1] + 1))


def _numbered(inputs: Sequence[Any], index: tuple[Any, ...], level: Level) -> Any:
    """Index arrays with the number of the example as the first; None unless they come first."""
    count = sum(1 for item in index if item is SLOT)
    if tuple(index[:count]) != (SLOT,) * count or any(type(item) is int for item in index):
        return None
    ndim = max(x.ndim for x in inputs)
    numbers = Tensor.lift(np.arange(level.size).reshape(level.size, *(1,) * ndim))
    return [numbers, *(_lined_up(x, ndim, level) for x in inputs)]


def _getitem(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    index = params["index"]
    if _only_first(inputs):
        if not _in_place(index):
            return None
        arrays = [x.tensor for x in inputs]
        return level.call(op, arrays, {"index": (slice(None), *index)})
    x, *indices = inputs
    if not x.many:
        if index[0] is not SLOT or not _in_place(index) or len(indices) != 1:
            return None
        return level.call(op, [x.tensor, indices[0].tensor], params)
    numbered = _numbered(indices, index, level)
    if numbered is None:
        return None
    return level.call(op, [x.tensor, *numbered], {"index": (SLOT, *index)})


def _selected(index: tuple[Any, ...], indices: Sequence[Any], shape: tuple[int, ...]) -> int:
    """How many axes an index selects of the array of one example."""
    zeros = iter(np.zeros(x.shape, int) for x in indices)
    full = tuple(next(zeros) if item is SLOT else item for item in index)
    ndim: int = np.broadcast_to(False, shape)[full].ndim
    return ndim


def _add_at(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    values, *indices = inputs
    index, shape = params["index"], (level.size, *params["shape"])
    values = _lined_up(values, _selected(index, indices, params["shape"]), level)
    if _only_first(inputs):
        if not _in_place(index):
            return None
        arrays = [values, *(x.tensor for x in indices)]
        return level.call(op, arrays, {"index": (slice(None), *index), "shape": shape})
    numbered = _numbered(indices, index, level)
    if numbered is None:
        return None
    arrays = [values, *numbered]
    return level.call(op, arrays, {"index": (SLOT, *index), "shape": shape})


def _take(op: Op[...], inputs: Sequence[Any], params: Params, level: Level) -> Tensor | None:
    (x, indices), axis = inputs, params["axis"]
    if x.many and not indices.many:
        axis = 0 if axis is None and x.ndim == 1 else axis
        return level.call(op, [x.tensor, indices.tensor], {"axis": _shifted(op, axis, x.ndim)})
    if indices.many and not x.many and (axis or 0) % x.ndim == 0:
        return level.call(op, [x.tensor, indices.tensor], params)
    return None


OF_LAST_AXES = (
    "matrix_transpose", "tril", "triu", "inv", "pinv", "det", "cofactors", "packed_slogdet",
    "matrix_rank", "matrix_exp", "cholesky", "packed_eigh", "eigvalsh", "packed_qr",
    "orthogonal_complement", "packed_svd", "svdvals",
)  # fmt: skip
"""Ops on matrices in the last two axes, whatever comes before."""

RULES: dict[str, Rule] = {
    "reshape": _reshape,
    "permute_dims": _permute_dims,
    "broadcast_to": _broadcast_to,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    "flip": _flip,
    "astype": _as_it_is,
    "concat": _concat,
    "stack": _stack,
    "matmul": _matmul,
    "affine": _affine,
    "vecdot": _vectors,
    "cross": _vectors,
    "einsum": _einsum,
    "solve": _solve,
    **dict.fromkeys(OF_LAST_AXES, _of_matrices),
    **dict.fromkeys(("sort", "argsort", "argtopk"), _along_axis),
    **dict.fromkeys(("softmax_grad", "log_softmax_grad"), _together_along_axis),
    "getitem": _getitem,
    "add_at": _add_at,
    "take": _take,
    "one_hot": _as_it_is,
}
"""For ops that do not follow their kind."""

BY_KIND: dict[str, Rule] = {
    "elementwise": _elementwise,
    "reduction": _along_axis,
    "scan": _along_axis,
    "movement": _along_axis,
    "creation": _as_it_is,
}
