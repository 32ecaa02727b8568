"""Values and gradients of every op that PyTorch has too, beside PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinygrad_lesson import Tensor, autograd
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Domain, Sample

from .support import (
    LAYOUTS,
    OF_INDEPENDENT_ROWS,
    as_tensors,
    draw,
    each,
    filled,
    parts,
    registered_calls,
    run,
    same,
    seeded,
    wanted_inputs,
)

torch = pytest.importorskip("torch")

from .peers import PEERS  # noqa: E402  (imports torch)

pytestmark = pytest.mark.oracle


def theirs(op: Op[...], tensors: list[Any], params: dict[str, Any]) -> Any:
    function = PEERS[op.name]
    if op.name in ("softmax", "log_softmax"):
        return function(*tensors, filled(op, params)["axis"])
    return function(*tensors, **filled(op, params))


CALLS = [
    pytest.param(op, call, id=name)
    for name, op, call in registered_calls()
    if PEERS[op.name] is not None
    and name != "setitem-1"  # of repeated indices PyTorch counts every one, kept or not
]
TOLERANCE = {np.float64: 1e-12, np.float32: 2e-5}


def test_the_table_is_complete() -> None:
    assert set(PEERS) == set(REGISTRY)


@pytest.mark.filterwarnings("ignore:var\\(\\)|std\\(\\):UserWarning")
@pytest.mark.parametrize(("op", "call"), CALLS)
@each("dtype", TOLERANCE)
def test_op(op: Op[...], call: Sample, dtype: Any) -> None:
    arrays = draw(op, call, dtype)
    wanted = wanted_inputs(op, arrays)
    ours = [Tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    peers = [torch.tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    compare(op, ours, peers, call.params, wanted, TOLERANCE[dtype])


ANOTHER_OF_EQUALS = {
    "argtopk", "topk", "cumulative_argmax", "cumulative_argmin", "cumulative_max", "cumulative_min",
    "packed_svd", "svd", "matrix_norm",
}  # fmt: skip
"""With a stride of zero all rows are equal, and PyTorch chooses another one than the first, or
other vectors to a singular value of 0."""


@pytest.mark.filterwarnings("ignore:var\\(\\)|std\\(\\):UserWarning")
@pytest.mark.parametrize(("op", "call"), CALLS)
@each("layout", LAYOUTS)
def test_layouts(op: Op[...], call: Sample, layout: str) -> None:
    """Negative strides and zero ones: PyTorch gets the same numbers in plain order."""
    if layout == "zero stride" and op.name in OF_INDEPENDENT_ROWS | ANOTHER_OF_EQUALS:
        return
    strided = [LAYOUTS[layout](array) for array in draw(op, call)]
    wanted = wanted_inputs(op, strided)
    peers = [torch.tensor(a.copy(), requires_grad=i in wanted) for i, a in enumerate(strided)]
    compare(op, as_tensors(strided, wanted), peers, call.params, wanted, 1e-12)


@pytest.mark.parametrize(
    "op",
    [
        pytest.param(op, id=name)
        for name, op in REGISTRY.items()
        if op.kind.name == "elementwise" and PEERS[name] is not None
    ],
)
@each("shape", [(), (0,), (1, 1), (2, 0, 3)])
def test_single_numbers_and_empty_arrays(op: Op[...], shape: tuple[int, ...]) -> None:
    domains, params = op.samples, {}
    if isinstance(domains[0], Sample):
        domains, params = domains[0].inputs, domains[0].params
    arrays = [d.draw(seeded(op.name), shape) for d in domains if isinstance(d, Domain)]
    wanted = wanted_inputs(op, arrays)
    peers = [torch.tensor(a, requires_grad=i in wanted) for i, a in enumerate(arrays)]
    compare(op, as_tensors(arrays, wanted), peers, params, wanted, 1e-12)


def compare(
    op: Op[...],
    ours: list[Tensor],
    peers: list[Any],
    params: dict[str, Any],
    wanted: list[int],
    tolerance: float,
) -> None:
    results, numbers = parts(op(*ours, **params)), parts(theirs(op, peers, params))
    for out, expected in zip(results, numbers, strict=True):
        same(out, expected.detach().numpy(), tolerance, tolerance)
    if not wanted or not any(expected.requires_grad for expected in numbers):
        return
    out = run(op, ours, params)
    expected = torch.concat([n.ravel() for n in numbers if n.is_floating_point()])
    expected = expected.reshape(out.shape)
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
        if op.kind.name == "elementwise" and len(op.arrays) > 1 and PEERS[name] is not None
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
