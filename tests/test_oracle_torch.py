"""Values and gradients of every op that PyTorch has too, beside PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinygrad_lesson import Tensor, autograd
from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Domain, Sample

from .support import draw, filled, registered_calls, same, seeded, wanted_inputs

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


def index_of(index: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    following = iter(arrays)
    return tuple(next(following) if item is SLOT else item for item in index)


def all_axes(function: Callable[..., Any]) -> Callable[..., Any]:
    """PyTorch's function for one axis, with our ``axis=None``."""

    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        for a in sorted((a % max(x.ndim, 1) for a in axes), reverse=True):
            x = function(x, a, True)
        return x if keepdims else x.squeeze(tuple(a % max(x.ndim, 1) for a in axes))

    return call


def clip(x: Any, min: Any, max: Any) -> Any:
    return torch.clamp(x, min, max)


def setitem(x: Any, values: Any, *arrays: Any, index: Any) -> Any:
    out = x.clone()
    out[index_of(index, arrays)] = values
    return out


def scatter_add(values: Any, *arrays: Any, index: Any, shape: Any) -> Any:
    if not arrays:
        out = torch.zeros(shape, dtype=values.dtype)
        out[index] = values
        return out
    empty = torch.zeros(shape, dtype=values.dtype)
    return empty.index_put(index_of(index, arrays), values, accumulate=True)


def negative_steps(x: Any, index: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """PyTorch has no negative steps: flip the axis, and count from the other end."""
    items = []
    for axis, item in enumerate(index):
        if isinstance(item, slice) and item.step is not None and item.step < 0:
            x = x.flip(axis)
            assert item.start is None
            assert item.stop is None
            item = slice(None, None, -item.step)
        items.append(item)
    return x, tuple(items)


def getitem(x: Any, *arrays: Any, index: Any) -> Any:
    x, index = negative_steps(x, index)
    return x[index_of(index, arrays)]


def named(*names: str) -> dict[str, Callable[..., Any]]:
    return {name: getattr(torch, name) for name in names}


TORCH: dict[str, Callable[..., Any]] = {
    **named("add", "subtract", "multiply", "divide", "pow", "floor_divide", "remainder"),
    **named("negative", "reciprocal", "square", "sqrt", "abs", "exp", "expm1", "log", "log1p"),
    **named("sin", "cos", "tan", "tanh", "sigmoid", "relu", "maximum", "minimum", "where"),
    **named("sign", "floor", "ceil", "trunc", "round", "matmul", "zeros_like", "ones_like"),
    **named("bitwise_and", "bitwise_or", "bitwise_xor"),
    "bitwise_invert": torch.bitwise_not,
    **named("logical_and", "logical_or", "logical_xor", "logical_not", "full_like"),
    **named("isfinite", "isinf", "isnan"),
    "equal": torch.eq,
    "not_equal": torch.ne,
    "less": torch.lt,
    "less_equal": torch.le,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "clip": clip,
    "getitem": getitem,
    "setitem": setitem,
    "scatter_add": scatter_add,
    "take": lambda x, i, axis: x[i] if axis is None else x[(slice(None),) * (axis % x.ndim) + (i,)],
    "one_hot": lambda x, num_classes, dtype: torch.nn.functional.one_hot(x, num_classes).float(),
    "reshape": torch.reshape,
    "permute_dims": lambda x, axes: torch.permute(x, axes),
    "matrix_transpose": lambda x: x.mT,
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "expand_dims": lambda x, axis: x[None, :, None] if axis == (0, 2) else x.unsqueeze(axis),
    "squeeze": lambda x, axis: x.squeeze() if axis is None else x.squeeze(axis),
    "flatten": lambda x, start_axis: torch.flatten(x, start_axis),
    "flip": lambda x, axis: x.flip(
        tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    ),
    "concat": lambda *xs, axis: (
        torch.concat([x.ravel() for x in xs]) if axis is None else torch.concat(xs, axis)
    ),
    "stack": lambda *xs, axis: torch.stack(xs, axis),
    "astype": lambda x, dtype: x.to(getattr(torch, dtype)),
    "sum": lambda x, axis, keepdims: torch.sum(x, axis, keepdims),
    "mean": lambda x, axis, keepdims: torch.mean(x, axis, keepdims),
    "prod": all_axes(torch.prod),
    "max": lambda x, axis, keepdims: torch.amax(x, _axes(x, axis), keepdims),
    "min": lambda x, axis, keepdims: torch.amin(x, _axes(x, axis), keepdims),
    "var": lambda x, axis, correction, keepdims: torch.var(
        x, axis, correction=correction, keepdim=keepdims
    ),
    "std": lambda x, axis, correction, keepdims: torch.std(
        x, axis, correction=correction, keepdim=keepdims
    ),
    "logsumexp": lambda x, axis, keepdims: torch.logsumexp(x, _axes(x, axis), keepdims),
    "softmax": torch.softmax,
    "log_softmax": torch.log_softmax,
    "argmax": lambda x, axis, keepdims: torch.argmax(x, axis, keepdims),
    "argmin": lambda x, axis, keepdims: torch.argmin(x, axis, keepdims),
    "any": lambda x, axis, keepdims: x.any() if axis is None else x.any(axis, keepdims),
    "all": lambda x, axis, keepdims: x.all() if axis is None else x.all(axis, keepdims),
}
NOT_IN_TORCH = {"last_written"}


def _axes(x: Any, axis: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else axis


def theirs(op: Op[...], tensors: list[Any], params: dict[str, Any]) -> Any:
    function = TORCH[op.name]
    if op.name in ("softmax", "log_softmax"):
        return function(*tensors, filled(op, params)["axis"])
    return function(*tensors, **filled(op, params))


CALLS = [
    pytest.param(op, call, id=name)
    for name, op, call in registered_calls()
    if op.name not in NOT_IN_TORCH
    and name != "setitem-1"  # of repeated indices PyTorch counts every one, kept or not
]
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-5}


def test_the_table_is_complete() -> None:
    assert set(TORCH) | NOT_IN_TORCH == set(REGISTRY)


@pytest.mark.filterwarnings("ignore:var\\(\\)|std\\(\\):UserWarning")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("op", "call"), CALLS)
def test_op(op: Op[...], call: Sample, dtype: Any) -> None:
    arrays = draw(op, call, dtype)
    wanted = wanted_inputs(op, arrays)
    ours = [Tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    peers = [torch.tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    compare(op, ours, peers, call.params, wanted, TOLERANCE[dtype])


def compare(
    op: Op[...],
    ours: list[Tensor],
    peers: list[Any],
    params: dict[str, Any],
    wanted: list[int],
    tolerance: float,
) -> None:
    out, expected = op(*ours, **params), theirs(op, peers, params)
    same(out, expected.detach().numpy(), tolerance, tolerance)
    if not wanted or not expected.requires_grad:
        return
    c = seeded("torch").uniform(-1, 1, out.shape).astype(out.dtype)
    found = autograd.grad(out, [ours[i] for i in wanted], Tensor(c))
    peer = torch.autograd.grad(expected, [peers[i] for i in wanted], torch.tensor(c))
    for got, numbers in zip(found, peer, strict=True):
        assert str(got.dtype) == str(numbers.dtype).removeprefix("torch.")
        same(got, numbers.numpy(), tolerance, tolerance)


BROADCASTS = [
    ((2, 3), (3,), (2, 1)),
    ((1,), (4,), (4,)),
    ((), (2, 2), (1, 2)),
    ((2, 1, 3), (4, 1), (1, 1)),
    ((1, 1), (), (2, 0)),
    ((0, 3), (1, 3), (3,)),
]


@pytest.mark.parametrize("shapes", BROADCASTS, ids=str)
@pytest.mark.parametrize(
    "op",
    [
        pytest.param(op, id=name)
        for name, op in REGISTRY.items()
        if op.kind.name == "elementwise" and len(op.arrays) > 1
    ],
)
def test_broadcasting(op: Op[...], shapes: Any) -> None:
    domains = [d for d in op.samples if isinstance(d, Domain)]
    arrays = [
        d.draw(seeded(op.name, shape), shape) for d, shape in zip(domains, shapes, strict=False)
    ]
    wanted = wanted_inputs(op, arrays)
    ours = [Tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    peers = [torch.tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    compare(op, ours, peers, {}, wanted, 1e-12)


SPECIAL = np.array([0.0, 1.0, -1.0, 2.0, 0.5, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize(
    "name",
    ["exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "sqrt", "square", "abs",
     "reciprocal", "sigmoid", "relu", "negative", "add", "subtract", "multiply", "divide",
     "where", "maximum", "minimum"],
)  # fmt: skip
def test_gradients_at_special_points(name: str) -> None:
    """Infinities, NaN, kinks and ties; a sign of zero apart, the same answer."""
    op = REGISTRY[name]
    kinked = name in ("abs", "relu", "maximum", "minimum")  # there PyTorch lets NaN pass as 1
    points = SPECIAL[:-1] if kinked else SPECIAL
    grid = np.meshgrid(*[points] * (len(op.arrays) - (name == "where")))
    arrays = [g.ravel() for g in grid]
    if name == "where":
        arrays = [arrays[0] > 0, *arrays]
    wanted = wanted_inputs(op, arrays)
    ours = [Tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    peers = [torch.tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    with np.errstate(all="ignore"):
        out = op(*ours)
        expected = theirs(op, peers, {})
        same(out, expected.detach().numpy())
        found = autograd.grad(out, [ours[i] for i in wanted], Tensor(np.ones(out.shape)))
    peer = torch.autograd.grad(expected, [peers[i] for i in wanted], torch.ones(out.shape).double())
    for got, numbers in zip(found, peer, strict=True):
        same(got, numbers.numpy())


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_share_the_gradient(name: str) -> None:
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    ours, peer = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    compare(REGISTRY[name], [ours], [peer], {"axis": 1}, [0], 1e-12)


def test_zero_base_and_zero_exponent() -> None:
    x, y = (g.ravel() for g in np.meshgrid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]))
    ours = [Tensor(a, requires_grad=True) for a in (x, y)]
    peers = [torch.tensor(a, requires_grad=True) for a in (x, y)]
    compare(REGISTRY["pow"], ours, peers, {}, [0, 1], 1e-12)
