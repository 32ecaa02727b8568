"""vmap: every op of the registry on a batch is the op on each example; so are derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors, nn
from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.batching import BatchingWarning
from tinygrad_lesson.op import Op
from tinygrad_lesson.samples import Sample

from .support import draw, parts, registered_calls, run, same, seeded, subsets, wanted_inputs

OF_VARYING_LENGTH = {"flatnonzero", "nonzero", "argwhere", "masked_select", "repeat",
                     "unique_all", "unique_inverse", "unique_values", "unique_counts"}  # fmt: skip
"""How much they give depends on the numbers, so that examples need not fit one another.

(The length of `repeat` depends on its second input alone.)
"""

CALLS = [
    pytest.param(op, call, id=name)
    for name, op, call in registered_calls()
    if op.name not in OF_VARYING_LENGTH
]
EXAMPLES = 3


def examples(op: Op[...], call: Sample) -> list[list[np.ndarray]]:
    """The inputs of a few calls."""
    return [
        [np.asarray(a) for a in call.draw(seeded(op.name, call.params, n))] for n in range(EXAMPLES)
    ]


def batches(op: Op[...], call: Sample, which: tuple[int, ...]) -> list[np.ndarray]:
    """The inputs at `which` of all calls together, and the rest of the first."""
    every = examples(op, call)
    return [
        np.stack([arrays[i] for arrays in every]) if i in which else array
        for i, array in enumerate(every[0])
    ]


@pytest.mark.parametrize(("op", "call"), CALLS)
def test_an_op_on_a_batch_is_the_op_on_each_example(op: Op[...], call: Sample) -> None:
    count = len(call.inputs)
    for which in subsets(range(count)):
        arrays = batches(op, call, which)
        axes = tuple(0 if i in which else None for i in range(count))
        found = tl.vmap(lambda *xs: op(*xs, **call.params), in_axes=axes)(*arrays)
        for n in range(EXAMPLES):
            one = [Tensor(a[n] if i in which else a) for i, a in enumerate(arrays)]
            expected = parts(op(*one, **call.params))
            for out, numbers in zip(parts(found), expected, strict=True):
                assert out.dtype == numbers.dtype
                same(out.numpy()[n], numbers)


@pytest.mark.parametrize(
    ("op", "call"),
    [
        pytest.param(op, call, id=name)
        for name, op, call in registered_calls()
        if wanted_inputs(op, draw(op, call)) and op.name not in OF_VARYING_LENGTH
    ],
)
def test_gradients_inside_and_outside(op: Op[...], call: Sample) -> None:
    """Of each example by ``vmap(grad)``; of all by ``grad(vmap)``: both are the examples' own."""
    wanted = wanted_inputs(op, draw(op, call))

    def loss(*xs: Tensor) -> Tensor:
        out = run(op, xs, call.params)
        weights = Tensor(seeded("vmap").uniform(0.5, 1.5, out.shape))
        return (out * weights).sum()

    arrays = batches(op, call, tuple(range(len(call.inputs))))
    inside = tl.vmap(tl.grad(loss, wanted))(*arrays)
    outside = tl.grad(lambda *xs: tl.vmap(loss)(*xs).sum(), wanted)(*arrays)
    for n in range(EXAMPLES):
        for got, also, expected in zip(
            inside, outside, tl.grad(loss, wanted)(*(a[n] for a in arrays)), strict=True
        ):
            same(got.numpy()[n], expected, 1e-10, 1e-10)
            same(also.numpy()[n], expected, 1e-10, 1e-10)


# ---- indices -----------------------------------------------------------------------------

X = seeded("indices").uniform(-1, 1, (EXAMPLES, 4, 5, 6))
ROWS, COLUMNS = (seeded(n).integers(0, 4, (EXAMPLES, 2)) for n in (1, 2))
INDICES = [
    (SLOT,),
    (SLOT, SLOT),
    (slice(None), SLOT),
    (SLOT, slice(1, 3)),
    (SLOT, slice(None), SLOT),
    (Ellipsis, SLOT),
    (0, SLOT),
    (None, SLOT, slice(None), 0),
]


@pytest.mark.parametrize("which", list(subsets(range(3))), ids=str)
@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing_of_a_batch(index, which):
    count = sum(item is SLOT for item in index)
    if max(which) > count:
        return
    arrays = [X, ROWS, COLUMNS][: count + 1]
    given = [a if i in which else a[0] for i, a in enumerate(arrays)]
    axes = tuple(0 if i in which else None for i in range(count + 1))

    def pick(x, *indices):
        return tl.getitem(x, *indices, index=index)

    found = tl.vmap(pick, in_axes=axes)(*given)
    slope = tl.vmap(tl.grad(lambda *xs: (pick(*xs) ** 2).sum()), in_axes=axes)(*given)
    for n in range(EXAMPLES):
        one = [Tensor(a[n] if i in which else a) for i, a in enumerate(given)]
        same(found.numpy()[n], pick(*one))
        same(slope.numpy()[n], tl.grad(lambda *xs: (pick(*xs) ** 2).sum())(*one))


# ---- functions ---------------------------------------------------------------------------


def test_gradients_of_each_example_of_a_network():
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    x, y = seeded("net").normal(size=(5, 4)).astype("f4"), np.array([0, 2, 1, 1, 0])
    weights = [p.numpy() for p in model.parameters()]

    def loss(weights, x, y):
        hidden = tl.tanh(weights[0] @ x + weights[1])
        scores = weights[2] @ hidden + weights[3]
        return -(tl.log_softmax(scores) * tl.one_hot(y, 3)).sum()

    found = tl.vmap(tl.grad(loss), in_axes=(None, 0, 0))(weights, x, y)
    for n in range(5):
        expected = tl.grad(loss)(weights, x[n], Tensor(y[n]))
        for got, numbers in zip(found, expected, strict=True):
            same(got.numpy()[n], numbers, 1e-5, 1e-6)


def test_what_the_function_closes_over_gets_its_gradient():
    w = Tensor(seeded("w").normal(size=(3, 4)), requires_grad=True)
    x = seeded("x").normal(size=(5, 4))
    (tl.vmap(lambda x: tl.tanh(w @ x).sum())(x) ** 2).sum().backward()
    by_loop = tl.grad(lambda w: sum(tl.tanh(w @ Tensor(r)).sum() ** 2 for r in x))(w)
    same(w.grad, by_loop)


def test_no_grad_inside_cuts_the_graph_outside():
    x = Tensor([1.0, 2.0], requires_grad=True)

    def f(x):
        with tl.no_grad():
            scale = x * 2
        return x * scale

    tl.vmap(f)(x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_second_derivatives():
    def cube(x):
        return (x**3).sum()

    x = seeded("cube").normal(size=(4, 3))
    same(tl.vmap(tl.hessian(cube))(x), [np.diag(6 * row) for row in x])
    same(tl.vmap(lambda x: tl.hvp(cube, [x], [x]))(x), 6 * x * x)
    same(tl.vmap(tl.jacobian(tl.square))(x), [np.diag(2 * row) for row in x])
    same(tl.vmap(lambda x: tl.jvp(cube, [x], [x])[1])(x), (3 * x**3).sum(axis=1))


def test_maps_in_a_map():
    outer = tl.vmap(tl.vmap(lambda x, y: x * y, (0, None)), (None, 0))([1.0, 2.0], [10.0, 20.0])
    assert outer.tolist() == [[10.0, 20.0], [20.0, 40.0]]


def test_axes_of_arguments_and_results():
    x, y = seeded(1).normal(size=(2, 5)), seeded(2).normal(size=(5, 3))

    def f(p, y):
        return {"sum": p["x"].sum() + y, "c": p["c"]}

    found = tl.vmap(f, ({"x": 1, "c": None}, 0), {"sum": -1, "c": None})({"x": x, "c": 7.0}, y)
    same(found["sum"], (x.sum(axis=0)[:, None] + y).T)
    assert float(found["c"]) == 7.0


def test_results_that_are_the_same_for_all_are_repeated():
    assert tl.vmap(lambda x: Tensor([1.0, 2.0]))([3.0, 4.0]).tolist() == [[1.0, 2.0]] * 2
    assert tl.vmap(lambda x: 5.0)([3.0, 4.0]).tolist() == [5.0, 5.0]


def test_keywords_are_mapped_over_their_first_axis():
    assert tl.vmap(lambda x, y: x - y)([3.0, 4.0], y=[1.0, 1.0]).tolist() == [2.0, 3.0]


def test_checkpoint_and_custom_rules_run_example_by_example():
    @tl.custom_vjp
    def gently(x):
        return x * 1.0

    gently.defvjp(lambda x: (gently(x), None), lambda kept, g: (tl.clip(g, -1.0, 1.0),))
    x = seeded("c").normal(size=(3, 4))
    found = tl.vmap(tl.grad(lambda x: (gently(tl.checkpoint(tl.exp)(x)) * 5).sum()))(x)
    same(found, np.exp(x))


def test_an_op_without_a_rule_says_so_under_debug():
    x = seeded("d").normal(size=(3, 4))
    with tl.debug(), pytest.warns(BatchingWarning, match=r"\[setitem\] has no batching rule: it"):
        tl.vmap(lambda x: tl.setitem(x, 0.0, index=(0,)))(x)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tl.vmap(lambda x: x if x > 0 else -x)([1.0]), errors.TraceError, "tl.where"),
        (lambda: tl.vmap(lambda x: float(x))([1.0]), errors.TraceError, "asked for"),
        (lambda: tl.vmap(lambda x: x.item())([1.0]), errors.TraceError, "asked for"),
        (lambda: tl.vmap(lambda x: np.asarray(x))([1.0]), errors.TraceError, "asked for"),
        (lambda: tl.vmap(lambda x: x.numpy())([1.0]), errors.TraceError, "asked for"),
        (lambda: tl.vmap(lambda x: x)(1.0), errors.AxisError, "axis 0 does not exist"),
        (lambda: tl.vmap(lambda x: x, None)([1.0]), errors.ShapeError, "no examples"),
        (lambda: tl.vmap(lambda x, y: x)([1.0], [1.0, 2.0]), errors.ShapeError, "1 and 2 exam"),
        (lambda: tl.vmap(lambda x: x, (0, 0))([1.0]), errors.ArgumentError, "2 axes are given"),
        (lambda: tl.vmap(lambda x: x, 0, None)([1.0]), errors.ArgumentError, "out_axes=None"),
    ],
)
def test_what_cannot_be_mapped_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_mode_is_restored_after_an_error():
    with pytest.raises(ZeroDivisionError):
        tl.vmap(lambda x: 1 / 0)([1.0])
    assert float(Tensor(1.0) + 1) == 2.0


def test_a_tensor_inside_can_be_printed():
    seen = []
    tl.vmap(lambda x: seen.append(repr(x)) or x)([1.0, 2.0])
    assert "2 examples" in seen[0]


@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("repeats", [2, Tensor([2, 0, 1])], ids=["number", "vector"])
def test_repeats_that_all_examples_share(repeats, axis):
    x = seeded("repeat").uniform(-1, 1, (4, 3) if axis is None else (4, 3, 3))
    found = tl.vmap(lambda row: tl.repeat(row, repeats, axis=axis))(x)
    for n in range(4):
        same(found.numpy()[n], tl.repeat(x[n], repeats, axis=axis))


MATRIX = Tensor([[9.0, 1.0, 2.0], [3.0, 9.0, 5.0], [6.0, 7.0, 9.0]])

BEYOND_ONE_EXAMPLE = {
    "sum": lambda row: row.sum(axis=-2),
    "second axis": lambda row: row.sum(axis=1),
    "both axes": lambda row: row.max(axis=(0, -2)),
    "softmax": lambda row: tl.softmax(row, axis=-2),
    "cumulative_sum": lambda row: tl.cumulative_sum(row, axis=-2),
    "sort": lambda row: tl.sort(row, axis=-2),
    "flip": lambda row: tl.flip(row, axis=-2),
    "roll": lambda row: tl.roll(row, 1, axis=-2),
    "repeat": lambda row: tl.repeat(row, 2, axis=-2),
    "concat": lambda row: tl.concat(row, row, axis=-2),
    "stack": lambda row: tl.stack(row, row, axis=-3),
    "expand_dims": lambda row: tl.expand_dims(row, axis=-3),
    "squeeze": lambda row: tl.squeeze(tl.sum(row, keepdims=True), axis=-2),
    "take": lambda row: tl.take(row, [0], axis=-2),
    "take_along_axis": lambda row: tl.take_along_axis(row, [0], axis=-2),
    "vecdot": lambda row: tl.vecdot(row, row, axis=-2),
    "cross": lambda row: tl.cross(row, row, axis=-2),
    "permute_dims": lambda row: tl.permute_dims(row, (1,)),
    "matrix_transpose": lambda row: row.mT,
    "tril": tl.tril,
    "diagonal": tl.diagonal,
    "det": tl.linalg.det,
    "inv": tl.linalg.inv,
    "solve": lambda row: tl.linalg.solve(row, [1.0, 2.0, 3.0]),
    "matmul": lambda row: row.sum() @ row,
    "getitem": lambda row: row[0, 0],
}


@pytest.mark.parametrize("function", BEYOND_ONE_EXAMPLE.values(), ids=BEYOND_ONE_EXAMPLE)
def test_no_op_reaches_across_examples(function):
    """What one example refuses is refused for all, in the same words."""
    with pytest.raises(errors.TinygradError) as alone:
        function(MATRIX[0])
    with pytest.raises(errors.TinygradError) as mapped:
        tl.vmap(function)(MATRIX)
    assert type(mapped.value) is type(alone.value)
    assert str(mapped.value) == str(alone.value)


def test_a_custom_rule_is_not_passed_by_from_outside():
    @tl.custom_vjp
    def steep(x):
        return x * 1.0

    steep.defvjp(lambda x: (steep(x), None), lambda kept, g: (g * 100,))
    w, rows = tl.ones(3, requires_grad=True), tl.ones(2, 3)
    inside = tl.vmap(tl.grad(lambda w, row: (steep(w) * row).sum()), (None, 0))
    same(inside(w.detach(), rows), np.full((2, 3), 100.0))
    with tl.no_grad():
        same(tl.vmap(steep)(rows), rows)
    for mapped in (
        lambda w: tl.vmap(lambda row: (steep(w) * row).sum())(rows),
        lambda w: tl.vmap(lambda row, w: steep(row * w).sum(), (0, None))(rows, w),
        lambda w: tl.vmap(steep)(rows * w),
        lambda w: tl.vmap(tl.vmap(steep))(rows * w),
        lambda w: inside(w, rows),
    ):
        with pytest.raises(errors.GradientError, match=r"\[steep\] its own rule does not reach"):
            mapped(w)
