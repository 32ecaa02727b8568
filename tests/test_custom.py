"""custom_vjp: a rule of the user's own, recorded, checked and blamed like any other."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.errors import ArgumentError, NotDifferentiableError, RuleError

from .support import same, seeded

X, K = seeded("custom").uniform(-1, 1, 4), 1.25


def log1pexp():
    """Two results from a dict and a number, with a rule that is right to all orders."""

    @tl.custom_vjp
    def log1pexp(p, k):
        """Softplus, scaled."""
        return {"y": tl.log(1 + tl.exp(p["x"])) * k, "z": p["x"] * k}

    def backward(residuals, g):
        x, k = residuals
        slope = 1 - 1 / (1 + tl.exp(x))
        dk = (g["y"] * tl.log(1 + tl.exp(x)) + g["z"] * x).sum()
        return {"x": g["y"] * slope * k + g["z"] * k}, dk

    log1pexp.defvjp(lambda p, k: (log1pexp(p, k), (p["x"], k)), backward)
    return log1pexp


def loss(function):
    def call(x, k):
        found = function({"x": x}, k)
        return (found["y"] ** 2).sum() + (found["z"] ** 3).sum()

    return call


def test_gradcheck_passes_to_second_order():
    report = tl.gradcheck(loss(log1pexp()), (X, K), order=2)
    assert report, str(report)


def test_gradcheck_names_a_wrong_rule():
    function = log1pexp()
    forward, backward = function._rule
    function.defvjp(forward, lambda residuals, g: (*backward(residuals, g)[:1], 3.0))
    report = tl.gradcheck(loss(function), (X, K))
    assert report.culprit.op == "log1pexp"
    assert report.culprit.input == "arrays[1]"


def test_the_rule_is_used_even_where_it_is_no_derivative():
    @tl.custom_vjp
    def straight_through(x):
        return tl.round(x)

    straight_through.defvjp(lambda x: (straight_through(x), None), lambda kept, g: (g,))
    x = Tensor([0.4, 1.6], requires_grad=True)
    y = straight_through(x)
    assert y.node.op.name == "straight_through"
    (y * Tensor([3.0, 5.0])).sum().backward()
    assert y.tolist() == [0.0, 2.0]
    assert x.grad.tolist() == [3.0, 5.0]


def test_transforms_see_the_rule():
    f = log1pexp()
    by_hand = tl.grad(loss(lambda p, k: {"y": tl.log(1 + tl.exp(p["x"])) * k, "z": p["x"] * k}))
    same(tl.grad(loss(f))(X, K), by_hand(X, K))
    same(
        tl.hessian(lambda x: loss(f)(x, K))(X),
        tl.hessian(lambda x: loss(lambda p, k: {"y": tl.log(1 + tl.exp(p["x"])) * k,
                                                "z": p["x"] * k})(x, K))(X),
    )  # fmt: skip


def test_backward_runs_once_for_all_inputs():
    calls = []

    @tl.custom_vjp
    def product(x, y):
        return x * y

    def backward(kept, g):
        calls.append(1)
        return g * kept[1], g * kept[0]

    product.defvjp(lambda x, y: (x * y, (x, y)), backward)
    x, y = Tensor([2.0], requires_grad=True), Tensor([3.0], requires_grad=True)
    out = product(x, y)
    out.backward(retain_graph=True)
    out.backward()
    assert len(calls) == 2
    assert x.grad.tolist() == [6.0]
    assert y.grad.tolist() == [4.0]


def test_what_is_kept_for_backward_goes_with_it():
    scaled, arrays = tl.custom_vjp(lambda x, scale: x * scale), []

    def forward(x, scale):
        slopes = tl.exp(x)
        arrays.append(weakref.ref(slopes.raw))
        return x * scale, {"slopes": [slopes], "scale": scale}

    scaled.defvjp(forward, lambda kept, g: (g * kept["slopes"][0] * kept["scale"], None))
    x = Tensor(X, requires_grad=True)
    entering = x * 1
    arrays.append(weakref.ref(entering.raw))
    out = scaled(entering, 2.0)
    del entering
    out.sum().backward(retain_graph=True)
    assert all(array() is not None for array in arrays)
    out.sum().backward()
    assert all(array() is None for array in arrays), "the result alone is still there"
    np.testing.assert_allclose(x.grad, 4 * np.exp(X))


def test_no_result_waits_for_the_garbage_collector():
    cube = tl.custom_vjp(lambda x: x**3)
    cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * g * x**2,))
    gc.collect()
    gc.disable()
    try:
        out = cube(Tensor(X, requires_grad=True))
        array = weakref.ref(out.raw)
        del out
        assert array() is None
    finally:
        gc.enable()


def test_inside_a_checkpoint():
    cube = tl.custom_vjp(lambda x: x**3)
    cube.defvjp(lambda x: (x**3, (x, None)), lambda kept, g: (3 * g * kept[0] ** 2,))
    for order in (1, 2):
        report = tl.gradcheck(lambda x: tl.checkpoint(lambda v: cube(v * 2))(x), (X,), order=order)
        assert report, str(report)


class Kept(dict):
    """A container of the user's own."""

    def __getattr__(self, name):
        return self[name]


class Pair(tuple):
    __slots__ = ()

    def __new__(cls, x, y):
        return super().__new__(cls, (x, y))


def test_containers_of_the_users_own_are_kept_as_they_are():
    def forward(x):
        return x**3, Kept(pair=[Pair(Kept(x=x), 3)])

    cube = tl.custom_vjp(lambda x: x**3)
    cube.defvjp(forward, lambda kept, g: (kept.pair[0][1] * g * kept.pair[0][0].x ** 2,))
    x = Tensor(X, requires_grad=True)
    cube(x).sum().backward()
    np.testing.assert_allclose(x.grad, 3 * X**2)


def test_arguments_that_are_not_differentiated():
    power = tl.custom_vjp(lambda x, n: x**n, nondiff_argnums=(1,))
    power.defvjp(lambda x, n: (x**n, x), lambda n, x, g: (g * n * x ** (n - 1),))
    x = Tensor([2.0, 3.0], requires_grad=True)
    power(x, n=3).sum().backward()
    assert x.grad.tolist() == [12.0, 27.0]


def test_without_gradients_it_is_the_function():
    y = log1pexp()({"x": Tensor(X)}, K)["y"]
    assert not y.requires_grad


@pytest.mark.parametrize(
    ("backward", "error", "message"),
    [
        (lambda kept, g: g, ArgumentError, "returned no tuple of gradients for 1 arg"),
        (lambda kept, g: (g, g), ArgumentError, "returned 2 gradients for 1 arg"),
        (lambda kept, g: ((g, g),), ArgumentError, "2 gradients for an argument of 1"),
        (lambda kept, g: (g[:1],), RuleError, r"returned shape \(1,\) for an input of shape"),
    ],
)
def test_a_backward_that_returns_the_wrong_thing(backward, error, message):
    @tl.custom_vjp
    def double(x):
        return 2 * x

    double.defvjp(lambda x: (2 * x, None), backward)
    y = double(Tensor([1.0, 2.0], requires_grad=True))
    with pytest.raises(error, match=rf"\[double\].*{message}"):
        y.sum().backward()


def test_a_function_without_a_rule():
    @tl.custom_vjp
    def double(x):
        return 2 * x

    with pytest.raises(NotDifferentiableError, match=r"\[double\] it has no rule yet.*defvjp"):
        double(Tensor([1.0]))
