"""Transforms against closed forms, against one another, and against differences."""

from __future__ import annotations

from collections import namedtuple

import numpy as np
import pytest
from scipy.optimize import approx_fprime

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors
from tinygrad_lesson.trees import flatten, map_tree

from .support import same, seeded

A = seeded("matrix").normal(size=(3, 3))
X = seeded("point").normal(size=3)


def bowl(x):
    """A quadratic form with a quartic: gradient and Hessian are known."""
    return (x * (A @ x)).sum() + (x**4).sum()


SLOPE = (A + A.T) @ X + 4 * X**3
CURVATURE = A + A.T + np.diag(12 * X**2)


def test_gradient_hessian_and_products():
    same(tl.grad(bowl)(X), SLOPE, 1e-12)
    same(tl.hessian(bowl)(X), CURVATURE, 1e-12)
    v = seeded("direction").normal(size=3)
    same(tl.hvp(bowl, [X], [v]), CURVATURE @ v, 1e-12)
    value, slope = tl.jvp(bowl, [X], [v])
    same(value, bowl(Tensor(X)), 1e-12)
    same(slope, SLOPE @ v, 1e-12)
    value, pull = tl.vjp(bowl, X)
    same(pull(2.0)[0], 2 * SLOPE, 1e-12)


def test_a_gradient_against_scipys_differences():
    def f(x):
        return tl.logsumexp(tl.tanh(A @ x) * x)

    differences = approx_fprime(X, lambda x: float(f(Tensor(x))), 1e-7)
    same(tl.grad(f)(X), differences, 1e-5, 1e-6)


def test_jacobian_of_several_outputs_and_its_two_products():
    def f(x):
        return tl.tanh(A @ x)

    full = tl.jacobian(f)(X).numpy()
    same(full, (1 - np.tanh(A @ X) ** 2)[:, None] * A, 1e-12)
    v = seeded("v").normal(size=3)
    same(tl.jvp(f, [X], [v])[1], full @ v, 1e-12)
    same(tl.vjp(f, X)[1](v)[0], v @ full, 1e-12)


def test_any_order():
    derivative = tl.sin
    for order in range(1, 7):
        derivative = tl.grad(derivative)
        same(derivative(Tensor(0.7, dtype=tl.float64)), np.sin(0.7 + order * np.pi / 2), 1e-12)


def test_variables_of_nested_transforms_are_kept_apart():
    x = Tensor(3.0)
    assert tl.grad(lambda y: x * y)(x).item() == 3.0
    assert tl.grad(lambda x: tl.grad(lambda y: x * y)(x))(3.0).item() == 1.0
    assert tl.grad(lambda a: tl.grad(lambda b: a * b * b)(2.0))(3.0).item() == 4.0
    assert tl.grad(lambda x: x * tl.jvp(lambda y: x * y, [2.0], [1.0])[1])(3.0).item() == 6.0


def test_nested_arguments_come_back_nested():
    Pair = namedtuple("Pair", "w b")
    params = {"first": Pair(Tensor(2.0), [Tensor(3.0)]), "second": (Tensor([1.0, 2.0]),)}

    def loss(p, x):
        return (p["first"].w * p["first"].b[0] * x * p["second"][0]).sum()

    value, slopes = tl.value_and_grad(loss)(params, 10.0)
    assert value.item() == 180.0
    assert isinstance(slopes["first"], Pair)
    assert slopes["first"].w.item() == 90.0
    assert slopes["first"].b[0].item() == 60.0
    assert slopes["second"][0].tolist() == [60.0, 60.0]
    second = tl.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": Tensor(2.0), "b": Tensor(3.0)})
    assert map_tree(float, second) == {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}}


def test_argnums_aux_and_unused_arguments():
    def f(x, y, unused):
        return x * y, "more"

    (value, more), (dy, dz) = tl.value_and_grad(f, argnums=(1, 2), has_aux=True)(2.0, 3.0, 4.0)
    assert (value.item(), more, dy.item(), dz.item()) == (6.0, "more", 2.0, 0.0)
    assert tl.grad(lambda x: Tensor(1.0))(5.0).item() == 0.0
    assert tl.grad(lambda x, k=1.0: x * k)(5.0, k=3.0).item() == 3.0


def test_results_are_recorded_if_something_else_asks_for_it():
    w = Tensor([1.0, 2.0], requires_grad=True)
    x = Tensor([3.0, 4.0])

    def energy(x):
        return ((w * x) ** 2).sum()

    slope = tl.grad(energy)(x)
    (slope * slope).sum().backward()  # a gradient penalty: slope = 2 w^2 x
    same(w.grad, 16 * w.numpy() ** 3 * x.numpy() ** 2)
    assert x.node is None or not x.requires_grad
    with tl.no_grad():
        assert not tl.grad(energy)(x).requires_grad
    assert not tl.grad(bowl)(X).requires_grad
    assert not tl.jvp(bowl, [X], [X])[1].requires_grad


def test_leaves_of_the_user_keep_their_grad():
    x = Tensor(2.0, requires_grad=True)
    tl.grad(lambda x: x**3)(x)
    assert x.grad is None
    outer = tl.grad(lambda x: x**3)(x)
    outer.backward()
    assert x.grad.item() == 12.0


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: tl.grad(lambda x: x * x)([1.0, 2.0]), errors.NonScalarError, "tl.jacobian"),
        (lambda: tl.grad(lambda x: 1.0)(2.0), errors.NonScalarError, "float"),
        (lambda: tl.grad(lambda x: x)(1), errors.DTypeError, "Pass floats"),
        (lambda: tl.grad(lambda x: x, argnums=1)(1.0), errors.ArgumentError, "argnums=1"),
        (lambda: tl.vjp(lambda x: x, [1.0, 2.0])[1]([1.0]), errors.ShapeError, "vjp"),
        (lambda: tl.jvp(lambda x: x, [1.0], []), errors.ShapeError, "1 primals but 0"),
        (lambda: tl.hvp(bowl, [X], [{}]), errors.ShapeError, "Nest both alike"),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_trees_of_nothing_and_of_one():
    assert flatten([])[0] == []
    assert map_tree(lambda v: v + 1, (1, [2, {"a": 3}], ())) == (2, [3, {"a": 4}], ())


@pytest.mark.oracle
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_against_torch():
    torch = pytest.importorskip("torch")
    from torch.func import hessian, jacrev, jvp

    def ours(x):
        return tl.softmax(tl.tanh(A @ x) * x)

    def theirs(x):
        return torch.softmax(torch.tanh(torch.tensor(A) @ x) * x, -1)

    point, v = torch.tensor(X), torch.tensor(SLOPE)
    same(tl.jacobian(ours)(X), jacrev(theirs)(point).numpy(), 1e-10)
    same(tl.jvp(ours, [X], [SLOPE])[1], jvp(theirs, (point,), (v,))[1].numpy(), 1e-10)
    scalar = hessian(lambda x: (theirs(x) ** 2).sum())(point).numpy()
    same(tl.hessian(lambda x: (ours(x) ** 2).sum())(X), scalar, 1e-9)
