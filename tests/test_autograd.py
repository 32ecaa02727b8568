"""The walk: what backward() and grad() promise, on graphs of every shape."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.autograd import walk
from tinygrad_lesson.graph import FREED, Leaf, topological
from tinygrad_lesson.op import elementwise
from tinygrad_lesson.samples import uniform

from .support import numeric_gradients, same, scalar, seeded

# ---- backward ----------------------------------------------------------------------------


def test_backward_fills_grad_and_returns_nothing():
    x = scalar(3.0)
    assert (x * x).backward() is None
    assert x.grad.tolist() == 6.0


def test_gradients_add_up_until_they_are_reset():
    x = scalar(3.0)
    (x * x).backward()
    (x * 5).backward()
    assert x.grad.item() == 11.0
    x.grad = None
    (x * 5).backward()
    assert x.grad.item() == 5.0


def test_a_gradient_handed_out_does_not_change_when_more_is_added():
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.sum().backward()
    before = x.grad
    x.sum().backward()
    assert before.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (x + y).sum(),
        lambda x, y: (x.reshape(2, 1) + y.reshape(2, 1)).sum(),
        lambda x, y: tl.concat([x, y]).sum(),
        lambda x, y: tl.stack([x, y]).sum(),
        lambda x, y: (x + y) @ Tensor([1.0, 1.0]),
    ],
)
def test_two_leaves_never_share_a_gradient(function):
    x, y = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    function(x, y).backward()
    assert not np.shares_memory(x.grad.numpy(), y.grad.numpy())


def test_a_gradient_is_not_the_array_that_was_passed_to_backward():
    x = Tensor([1.0, 2.0], requires_grad=True)
    given_gradient = Tensor([1.0, 1.0])
    (x + 0).backward(given_gradient)
    assert not np.shares_memory(x.grad.numpy(), given_gradient.numpy())


def test_diamond():
    x = scalar(3.0)
    a, b = x * 2, x * x
    (a * b + a).backward()  # 2x^3 + 2x
    assert x.grad.item() == 6 * 9 + 2


def test_the_same_tensor_twice_in_one_op():
    x = scalar(3.0)
    (x * x).backward()
    assert x.grad.item() == 6.0
    y = Tensor(np.eye(2) * 2, requires_grad=True)
    (y @ y).sum().backward()
    same(y.grad, np.full((2, 2), 4.0))


def test_inner_gradients_are_counted_once_by_a_second_backward():
    """A library that keeps the gradients of intermediate results gets 36 here."""
    x = scalar(2.0)
    y = x * x
    z = y * 3
    z.backward(retain_graph=True)
    assert x.grad.item() == 12.0
    z.backward()
    assert x.grad.item() == 24.0


def test_deep_diamonds_are_walked_once_each():
    x = scalar(1.0)
    y = x
    for _ in range(200):  # 2 ** 200 paths
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.item() == 1.0


def test_backward_needs_a_single_number_or_a_gradient():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(errors.NonScalarError):
        (x * 2).backward()
    (x * 2).backward([1.0, 10.0])
    assert x.grad.tolist() == [2.0, 20.0]


def test_one_element_of_any_shape_is_a_single_number():
    x = Tensor([[3.0]], requires_grad=True)
    (x * x).backward()
    assert x.grad.tolist() == [[6.0]]


def test_backward_of_a_leaf_itself():
    x = scalar(3.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_a_second_walk_needs_retain_graph():
    x = scalar(3.0)
    y = x * x
    y.backward()
    with pytest.raises(errors.GraphFreedError):
        y.backward()
    assert x.grad.item() == 6.0


def test_a_walked_graph_keeps_its_structure_and_drops_its_arrays():
    x = scalar(3.0)
    y = (x * x).exp()
    y.backward()
    assert [node.op.name for node in topological([y.node])] == ["multiply", "exp"]
    assert all(node.saved is FREED for node in topological([y.node]))


def test_an_op_that_saved_nothing_can_be_walked_again():
    """As a graph half of which was freed: what is left says so, rather than being wrong."""
    x = scalar(3.0)
    shared = x * x
    (shared * 2).backward()
    with pytest.raises(errors.GraphFreedError):
        (shared * 5).backward()


@pytest.mark.parametrize("dtype", [tl.float16, tl.float32, tl.float64])
def test_the_gradient_has_the_dtype_of_its_leaf(dtype):
    x = Tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
    y = Tensor([1.0, 2.0], dtype=tl.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.dtype == dtype
    assert y.grad.dtype == tl.float64


@pytest.mark.parametrize(
    ("first", "second"),
    [((3, 1), (4,)), ((2, 3, 4), (3, 1)), ((1,), (5,)), ((), (2, 2)), ((1, 1), (2, 0))],
)
def test_broadcasting_is_summed_away(first, second):
    x = Tensor(np.ones(first), requires_grad=True)
    y = Tensor(np.full(second, 3.0), requires_grad=True)
    (x * y).sum().backward()
    shape = np.broadcast_shapes(first, second)
    same(x.grad, np.full(first, 3.0 * math.prod(shape) / math.prod(first)))
    same(y.grad, np.full(second, math.prod(shape) / (math.prod(second) or 1)))


# ---- grad --------------------------------------------------------------------------------


def test_grad_leaves_grad_alone():
    x = scalar(3.0)
    (g,) = autograd.grad(x * x, x)
    assert g.item() == 6.0
    assert x.grad is None


def test_grad_of_an_intermediate_result():
    x = scalar(3.0)
    y = x * x
    z = y * y
    dz_dy, dz_dx = autograd.grad(z, [y, x])
    assert (dz_dy.item(), dz_dx.item()) == (18.0, 108.0)


def test_grad_of_an_output_itself_is_one():
    x = scalar(3.0)
    y = x * x
    assert autograd.grad(y, y)[0].item() == 1.0


def test_only_what_leads_to_the_inputs_is_walked():
    """The branch to `w` is left alone: it can still be walked afterwards."""
    x, w = scalar(3.0), scalar(2.0)
    branch = w * w
    loss = x * x + branch
    autograd.grad(loss, x)
    branch.backward()
    assert w.grad.item() == 4.0


def test_the_walk_stops_at_an_intermediate_input():
    x = scalar(3.0)
    y = x * x
    assert autograd.grad(y * y, y)[0].item() == 18.0
    y.backward()
    assert x.grad.item() == 6.0


def test_an_output_off_every_path_may_have_been_freed_before():
    x, w = scalar(3.0), scalar(2.0)
    y, z = x * x, w * w
    z.backward()
    assert autograd.grad([y, z], x)[0].item() == 6.0


def test_several_outputs_are_summed():
    x = scalar(3.0)
    (g,) = autograd.grad([x * x, x * 2], x)
    assert g.item() == 8.0


def test_the_same_output_twice_counts_twice():
    x = scalar(3.0)
    y = x * x
    assert autograd.grad([y, y], x)[0].item() == 12.0


def test_an_output_that_leads_to_another_output():
    x = scalar(3.0)
    y = x * x
    assert autograd.grad([y, y * 2], x)[0].item() == 18.0


def test_grad_outputs_weigh_the_outputs():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y, z = x * x, x.sum()
    (g,) = autograd.grad([y, z], x, [Tensor([1.0, 10.0]), None])
    assert g.tolist() == [3.0, 41.0]


@pytest.mark.parametrize("weights", [[1.0, 10.0], np.array([1.0, 10.0])])
def test_grad_outputs_may_be_numbers(weights):
    x = Tensor([1.0, 2.0], requires_grad=True)
    (g,) = autograd.grad([x * x], x, [weights])
    assert g.tolist() == [2.0, 40.0]


@pytest.mark.parametrize("outputs", [[], 3.0, [None]])
def test_outputs_that_are_no_tensors_are_refused(outputs):
    with pytest.raises(errors.ArgumentError):
        autograd.grad(outputs, scalar(1.0))
    with pytest.raises(errors.ArgumentError):
        autograd.backward(outputs)


def test_the_same_input_twice_gives_two_gradients():
    x = scalar(3.0)
    first, second = autograd.grad(x * x, [x, x])
    assert first.item() == second.item() == 6.0


def test_an_unused_input():
    x, unused = scalar(3.0), scalar(1.0)
    with pytest.raises(errors.DisconnectedError):
        autograd.grad(x * x, [x, unused])
    g, none = autograd.grad(x * x, [x, unused], allow_unused=True)
    assert g.item() == 6.0
    assert none is None


def test_an_unused_input_is_refused_before_the_graph_is_freed():
    x, unused = scalar(3.0), scalar(1.0)
    y = x * x
    with pytest.raises(errors.DisconnectedError):
        autograd.grad(y, unused)
    y.backward()
    assert x.grad.item() == 6.0


def test_gradient_of_a_constant_does_not_exist():
    with pytest.raises(errors.DisconnectedError):
        Tensor(3.0).backward()
    with pytest.raises(errors.DisconnectedError):
        autograd.grad(scalar(3.0) * 2, Tensor(3.0))


def test_grad_with_retain_graph_can_run_again():
    x = scalar(3.0)
    y = x * x
    autograd.grad(y, x, retain_graph=True)
    assert autograd.grad(y, x)[0].item() == 6.0


def test_grad_of_a_graph_from_before_an_assignment():
    """As backward() does, which fills the same ``.grad`` for both."""
    w = Tensor([2.0], requires_grad=True)
    old = (w * w).sum()
    w.assign([5.0])
    new = (w * w).sum()
    assert autograd.grad(old, w)[0].tolist() == [4.0]
    assert autograd.grad(new, w)[0].tolist() == [10.0]


def test_autograd_grad_results_never_alias_one_another():
    x, y = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    a, b = autograd.grad((x + y).sum(), [x, y])
    x.grad, y.grad = a, b
    (x + y).sum().backward()
    assert a.tolist() == b.tolist() == [1.0, 1.0]
    assert x.grad.tolist() == [2.0, 2.0]


# ---- higher orders -----------------------------------------------------------------------


def test_fourth_derivative_of_tanh():
    x = Tensor(np.linspace(-2, 2, 9), requires_grad=True)
    y = tl.tanh(x)
    for _ in range(4):
        (y,) = autograd.grad(y.sum(), x, create_graph=True)
    t = np.tanh(x.numpy())
    same(y, (1 - t**2) * (16 * t - 24 * t**3))


@pytest.mark.parametrize("order", range(1, 7))
def test_any_derivative_of_a_power(order):
    x = scalar(1.5)
    y = x**6
    for _ in range(order):
        (y,) = autograd.grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(math.perm(6, order) * 1.5 ** (6 - order))


def test_backward_with_create_graph_gives_a_gradient_with_history():
    x = scalar(3.0)
    (x * x * x).backward(create_graph=True)
    (second,) = autograd.grad(x.grad, x)
    assert second.item() == 18.0


def test_create_graph_does_not_free_the_graph():
    x = scalar(3.0)
    y = x * x
    autograd.grad(y, x, create_graph=True)
    assert autograd.grad(y, x)[0].item() == 6.0


def test_create_graph_works_inside_no_grad():
    x = scalar(3.0)
    y = x * x * x
    with tl.no_grad():
        (first,) = autograd.grad(y, x, create_graph=True)
    assert autograd.grad(first, x)[0].item() == 18.0


def test_gradient_penalty():
    """The gradient of a function of a gradient, through a net: against central differences."""
    rng = seeded("penalty")
    arrays = [rng.uniform(-1, 1, s) for s in [(5, 3), (3, 4), (4,), (4, 1)]]

    def penalty(tensors):
        x, w, b, v = tensors
        score = (tl.tanh(x @ w + b) @ v).sum()
        (slope,) = autograd.grad(score, x, create_graph=True)
        return ((slope * slope).sum(axis=1).sqrt() - 1).square().mean()

    def numbers(xs):
        x, w, b, v = xs
        slope = (1 - np.tanh(x @ w + b) ** 2) * v[:, 0] @ w.T
        return np.mean((np.sqrt((slope**2).sum(1)) - 1) ** 2)

    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    loss = penalty(tensors)
    same(loss, numbers(arrays))
    found = autograd.grad(loss, tensors)
    for got, expected in zip(found, numeric_gradients(numbers, arrays, range(4)), strict=True):
        same(got, expected, 1e-7, 1e-9)


def test_hessian_is_symmetric():
    x = Tensor(seeded("hessian").uniform(0.5, 1, 4), requires_grad=True)
    y = tl.logsumexp(x * x) * x.prod()
    (g,) = autograd.grad(y, x, create_graph=True)
    rows = [autograd.grad(g[i], x, retain_graph=True)[0].numpy() for i in range(4)]
    same(rows, np.transpose(rows))


# ---- the walk by itself ------------------------------------------------------------------


def test_walk_needs_no_tensor():
    x = scalar(3.0)
    y = x * x
    results = walk({y.node: np.float64(1.0)}, None, xp=numpy_namespace, lift=lambda a, n: a)
    assert results == {x.node: 6.0}
    assert isinstance(x.node, Leaf)


def test_none_from_a_rule_is_no_gradient():
    @elementwise(samples=[uniform(-1, 1)], register=False)
    def stop(xp, x, /):
        """The same number."""
        return xp.copy(x)

    @stop.vjp("x")
    def _(xp, g, out, x):
        return None

    x = scalar(3.0)
    (g,) = autograd.grad(stop(x) * x, x)
    assert g.item() == 3.0


def test_a_rule_of_the_wrong_shape_is_named():
    @elementwise(samples=[uniform(-1, 1)], register=False)
    def odd(xp, x, /):
        """The same number."""
        return xp.copy(x)

    @odd.vjp("x")
    def _(xp, g, out, x):
        return xp.reshape(g, (3, 2))

    x = Tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(errors.RuleError, match=r"\[odd\].*'x'.*\(3, 2\).*\(2, 3\)"):
        odd(x).sum().backward()


def test_an_unwritten_derivative_is_named():
    @elementwise(samples=[uniform(-1, 1)], register=False)
    def unwritten(xp, x, /):
        """The same number."""
        return xp.copy(x)

    with pytest.raises(errors.NotDifferentiableError, match=r"\[unwritten\]"):
        unwritten(scalar(1.0)).backward()


# ---- random programs ---------------------------------------------------------------------

UNARY = ["tanh", "sin", "cos", "sigmoid", "square", "negative", "exp_small", "sqrt1"]
BINARY = ["add", "subtract", "multiply", "divide1"]


def apply(np_like, name, *args):
    """One step of a program, written with functions that NumPy and the library both have."""
    table = {
        "exp_small": lambda x: np_like.exp(x * 0.25),
        "sqrt1": lambda x: np_like.sqrt(x * x + 1.0),
        "sigmoid": lambda x: 1.0 / (1.0 + np_like.exp(-x)),
        "divide1": lambda x, y: x / (y * y + 1.0),
    }
    function = table.get(name) or getattr(np_like, name)
    return function(*args)


def run(np_like, program, inputs):
    """Run a program of steps; each names an op, the values it takes, and how it changes them."""
    values = list(inputs)
    for kind, name, first, second in program:
        x = values[first % len(values)]
        if kind == "unary":
            out = apply(np_like, name, x)
        elif kind == "binary":
            y = values[second % len(values)]
            try:
                np.broadcast_shapes(x.shape, y.shape)
            except ValueError:
                y = np_like.sum(y)
            out = apply(np_like, name, x, y)
        elif kind == "reduce":
            axis = None if x.ndim == 0 or second % 3 == 0 else second % x.ndim
            out = getattr(np_like, name)(x, axis=axis, keepdims=second % 2 == 0)
        elif kind == "view":
            out = {
                "transpose": lambda x=x: np_like.permute_dims(x, tuple(reversed(range(x.ndim)))),
                "ravel": lambda x=x: np_like.reshape(x, (-1,)),
                "flip": lambda x=x: np_like.flip(x),
                "new axis": lambda x=x: np_like.expand_dims(x, axis=0) if x.ndim < 3 else x,
                "stack": lambda x=x: np_like.stack([x, x * 2.0], axis=-1) if x.ndim < 3 else x,
            }[name]()
        elif x.ndim == 0:
            out = x * 1.5
        elif name == "slice":
            out = x[second % x.shape[0] :]
        elif name == "integer":
            out = x[second % x.shape[0]]
        else:
            out = x[np.array([0, second % x.shape[0], 0])] if x.size < 200 else x[:1]
        values.append(out * (1.0 / 2.0) if kind == "binary" else out)
    return sum((np_like.mean(np_like.tanh(v)) for v in values[len(inputs) :]), start=0.0)


STEPS = st.one_of(
    st.tuples(st.just("unary"), st.sampled_from(UNARY), st.integers(0, 50), st.just(0)),
    st.tuples(st.just("binary"), st.sampled_from(BINARY), st.integers(0, 50), st.integers(0, 50)),
    st.tuples(
        st.just("reduce"), st.sampled_from(["sum", "mean"]), st.integers(0, 50), st.integers(0, 5)
    ),
    st.tuples(
        st.just("view"),
        st.sampled_from(["transpose", "ravel", "flip", "new axis", "stack"]),
        st.integers(0, 50),
        st.just(0),
    ),
    st.tuples(
        st.just("index"),
        st.sampled_from(["slice", "integer", "array"]),
        st.integers(0, 50),
        st.integers(0, 5),
    ),
)


@settings(max_examples=60)
@given(st.lists(STEPS, min_size=5, max_size=30))
def test_random_programs(program):
    """Gradients of a random program against central differences of the same one on NumPy."""
    rng = seeded("program")
    arrays = [rng.uniform(-1, 1, s) for s in [(2, 3), (3,), (2, 1), ()]]
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    loss = run(tl, program, tensors)
    same(loss, run(np, program, arrays), 1e-10, 1e-10)
    found = autograd.grad(loss, tensors, allow_unused=True)
    expected = numeric_gradients(lambda xs: run(np, program, xs), arrays, range(4), 1e-3)
    for got, numbers in zip(found, expected, strict=True):
        same(np.zeros_like(numbers) if got is None else got, numbers, 1e-6, 1e-7)
