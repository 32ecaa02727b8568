"""Operators and methods are the ops themselves, without a detour."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lesson import Tensor, ops
from tinygrad_lesson.methods import Methods
from tinygrad_lesson.op import REGISTRY

from .support import same

OPERATORS = {
    "add": ops.add, "sub": ops.subtract, "mul": ops.multiply, "truediv": ops.divide,
    "floordiv": ops.floor_divide, "mod": ops.remainder, "matmul": ops.matmul,
}  # fmt: skip
X, Y = np.array([[2.0, 3.0], [5.0, 7.0]]), np.array([[3.0, 2.0], [4.0, 6.0]])


@pytest.mark.parametrize("name", [name for name in vars(Methods) if name in REGISTRY])
def test_a_method_is_the_op_of_its_name(name):
    method = getattr(Methods, name)
    if name not in ("reshape", "tile", "transpose"):  # which take numbers one by one, too
        assert method is REGISTRY[name].record
    assert method.__name__ == name
    assert method.__doc__


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_is_its_op(name):
    assert getattr(Methods, f"__{name}__") is OPERATORS[name].record


@pytest.mark.parametrize("name", OPERATORS)
def test_a_reflected_operator_swaps_its_operands(name):
    swapped = getattr(Tensor(X), f"__r{name}__")(Tensor(Y))
    same(swapped, OPERATORS[name](Tensor(Y), Tensor(X)))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv"])
def test_an_in_place_operator_takes_the_place(name):
    t = Tensor(X)
    assert getattr(t, f"__i{name}__")(Tensor(Y)) is t
    same(t, OPERATORS[name](Tensor(X), Tensor(Y)))


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5, 2.0, True, [2.0, 3.0], Tensor(2.0)])
def test_powers(exponent):
    x = Tensor(X, requires_grad=True)
    plain = np.asarray(exponent, float)
    y = x**exponent
    same(y, X**plain)
    y.sum().backward()
    same(x.grad, plain * X ** (plain - 1))
    same(exponent**x, plain**X)


@pytest.mark.parametrize("arguments", [(2, 2), ((2, 2),), ([2, 2],), (-1,), (4,), (1, -1, 2)])
def test_reshape_takes_lengths_in_any_form(arguments):
    same(Tensor(X).reshape(*arguments), X.reshape(*arguments))


def test_methods_take_the_parameters_of_their_op():
    t = Tensor(X)
    same(t.sum(axis=0, keepdims=True), X.sum(axis=0, keepdims=True))
    same(t.sum(0), X.sum(0))
    same(t.softmax(axis=0), ops.softmax(t, axis=0))
    same(t.clip(min=3.0), X.clip(min=3.0))
    same(t.astype("float32"), X)
    same(t.matmul(t), X @ X)
    same(t.flatten(), X.ravel())


def test_permute_is_pytorchs_name_for_permute_dims():
    t = Tensor(np.arange(24.0).reshape(2, 3, 4))
    for axes in ((2, 0, 1), (-1, 0, 1)):
        same(t.permute(*axes), t.numpy().transpose(axes))
        same(t.permute(axes), t.numpy().transpose(axes))
    with pytest.raises(ValueError, match=r"permute_dims\] axes=\(0, 1\) do not name"):
        t.permute(0, 1)
    with pytest.raises(ValueError, match=r"permute_dims\] axes=\(\) do not name"):
        t.permute()
