"""checkpoint: the same numbers and derivatives, with less memory and without running twice."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import GradientError
from tinygrad_lesson.graph import Node

from .support import same, seeded


def data(*shape):
    return seeded("checkpoint", shape).uniform(-1, 1, shape)


@pytest.fixture
def w():
    return Tensor(data(3, 3), requires_grad=True)


def block(x, w):
    y = tl.tanh(x @ w)
    return {"out": y * y + x, "more": (y.sum(axis=0), 3)}


def loss(function, x, w):
    found = function(x * 2, w)
    return (found["out"] ** 2).sum() + (found["more"][0] ** 3).sum()


def derivatives(function, w):
    x = Tensor(data(2, 3), requires_grad=True)
    first = tl.autograd.grad(loss(function, x, w), [x, w], create_graph=True)
    slope = sum((g * g).sum() for g in first)
    second = tl.autograd.grad(slope, [x, w], create_graph=True)
    third = tl.autograd.grad(sum((g * g).sum() for g in second), [x, w])
    return [*first, *second, *third]


def test_derivatives_of_all_orders_are_those_of_the_function(w):
    for got, expected in zip(
        derivatives(tl.checkpoint(block), w), derivatives(block, w), strict=True
    ):
        same(got, expected, 1e-10, 1e-10)


def test_what_is_no_tensor_passes_through(w):
    found = tl.checkpoint(block)(Tensor(data(2, 3)), w)
    assert found["more"][1] == 3
    assert found["out"].node.op.name == "getitem" or found["out"].node.op.name == "reshape"


def test_gradcheck_looks_inside_and_passes(w):
    report = tl.gradcheck(
        lambda x, w: loss(tl.checkpoint(block), x, w), (data(2, 3), data(3, 3)), order=2
    )
    assert report, str(report)


def test_the_graph_holds_one_node():
    y = tl.checkpoint(lambda x: tl.tanh(tl.exp(x)) * 2)(Tensor(data(4), requires_grad=True))
    assert y.node.op.name == "checkpoint"
    assert not any(isinstance(parent, Node) for parent in y.node.parents)


def test_what_is_drawn_at_random_is_drawn_once():
    x = Tensor(np.ones(1000), requires_grad=True)
    calls = []

    @tl.checkpoint
    def dropout(x):
        calls.append(1)
        return x * (tl.rand(1000, dtype=tl.float64) < 0.5)

    y = dropout(x)
    y.sum().backward()
    same(x.grad, y.numpy())
    assert len(calls) == 1


def test_parameters_of_a_module_get_their_gradients():
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = Tensor(data(5, 3).astype("float32"))
    (model(x) ** 2).sum().backward()
    expected = [p.grad.numpy() for p in model.parameters()]
    model.zero_grad()
    (tl.checkpoint(model)(x) ** 2).sum().backward()
    for p, numbers in zip(model.parameters(), expected, strict=True):
        same(p.grad, numbers, 1e-6)


def test_a_parameter_that_changed_since_keeps_its_old_number_in_the_gradient(w):
    y = tl.checkpoint(lambda x: tl.exp(x * w).sum())(Tensor(data(3, 3)))
    old = w.numpy().copy()
    w.assign(w * 0)
    y.backward()
    same(w.grad, data(3, 3) * np.exp(data(3, 3) * old))


def test_checkpoints_in_a_checkpoint(w):
    inner = tl.checkpoint(lambda x, w: tl.tanh(x @ w))
    outer = tl.checkpoint(lambda x, w: inner(inner(x, w) * 2, w))
    x = Tensor(data(2, 3), requires_grad=True)
    got = tl.autograd.grad(outer(x, w).sum(), [x, w])
    plain = tl.tanh((tl.tanh(x @ w) * 2) @ w)
    for g, expected in zip(got, tl.autograd.grad(plain.sum(), [x, w]), strict=True):
        same(g, expected)


def test_nothing_is_recorded_without_a_gradient(w):
    assert not tl.checkpoint(block)(Tensor(data(2, 3)), Tensor(data(3, 3)))["out"].requires_grad
    with tl.no_grad():
        assert not tl.checkpoint(block)(Tensor(data(2, 3)), w)["out"].requires_grad


def test_a_result_from_outside_must_be_an_argument(w):
    outside = tl.exp(w)
    with pytest.raises(GradientError, match=r"\[checkpoint\] .* result of exp.* argument"):
        tl.checkpoint(lambda x: x @ outside)(Tensor(data(2, 3)))


def test_an_argument_that_comes_back_as_it_is(w):
    x = Tensor(data(2, 3), requires_grad=True) * 1
    same_x, y = tl.checkpoint(lambda x: (x, tl.exp(x)))(x)
    assert same_x is x
    assert y.requires_grad


def test_it_saves_memory():
    def deep(x):
        for _ in range(50):
            x = tl.tanh(x)
        return x

    def held(function):
        x = Tensor(np.ones(10_000), requires_grad=True)
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        y = function(x)
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        y.sum().backward()
        return after - before

    assert held(tl.checkpoint(deep)) < held(deep) / 10
