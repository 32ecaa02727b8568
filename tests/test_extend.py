"""Ops of a user's own, declared with the public interface."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import errors
from tinygrad_lesson.extend import check, elementwise, linear, reduction, sample, uniform
from tinygrad_lesson.op import REGISTRY

from .support import same


def cube(right=True):
    @elementwise(samples=[uniform(-3, 3)])
    def cube(xp, x, /):
        """Third power."""
        return x * x * x

    @cube.vjp("x", saves=("x",))
    def _(xp, g, out, x):
        return (3 if right else 2) * g * x * x

    return cube


def test_it_is_recorded_and_differentiated_to_any_order():
    x = tl.Tensor([2.0, -1.0], requires_grad=True, dtype=tl.float64)
    y = cube()(x)
    assert y.node.op.name == "cube"
    same(tl.grad(lambda x: cube()(x).sum())(x), 3 * x.numpy() ** 2)
    same(tl.hessian(lambda x: cube()(x).sum())(x), np.diag(6 * x.numpy()))


def test_it_does_not_enter_the_librarys_registry():
    before = set(REGISTRY)
    cube()
    assert set(REGISTRY) == before


def test_right_rules_pass():
    assert len(check(cube())) == 3


def test_a_wrong_rule_is_named():
    with pytest.raises(errors.GradcheckError, match="the rule of cube for its input 'x'"):
        check(cube(right=False))


def test_a_forward_may_use_any_library():
    @reduction(samples=[sample(uniform(-1, 1, (5,)))])
    def total(xp, x, /):
        return np.sum(x) if isinstance(x, np.ndarray) else xp.sum(x)

    @total.vjp("x")
    def _(xp, g, out, x):
        return xp.broadcast_to(g, x.shape)

    check(total)


def test_two_inputs_and_a_parameter():
    @linear(samples=[sample(uniform(-1, 1, (3, 2)), uniform(-1, 1, (2, 4)), scale=2.0)])
    def scaled_product(xp, x, y, /, scale=1.0):
        return xp.matmul(x, y) * scale

    @scaled_product.vjp("x", saves=("y",))
    def _(xp, g, out, x, y, *, scale):
        return xp.matmul(g, xp.matrix_transpose(y)) * scale

    @scaled_product.vjp("y", saves=("x",))
    def _(xp, g, out, x, y, *, scale):
        return xp.matmul(xp.matrix_transpose(x), g) * scale

    check(scaled_product)
