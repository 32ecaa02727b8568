"""How a call of an op becomes a Tensor: arguments, keywords, and the three recorders."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, ops
from tinygrad_lesson.mode import current, restore
from tinygrad_lesson.op import REGISTRY, elementwise
from tinygrad_lesson.samples import uniform

from .support import same, scalar


def test_static_parameters_may_be_positional():
    t = Tensor(np.arange(6.0).reshape(2, 3))
    assert tl.sum(t, 0).shape == tl.sum(t, axis=0).shape == (3,)
    assert tl.sum(t, 0, True).shape == (1, 3)
    assert tl.clip(t, 1, 2).tolist() == tl.clip(t, min=1, max=2).tolist()


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda t: tl.sum(t, axes=0), "'axes'"),
        (lambda t: tl.sum(t, 0, axis=0), "'axis'"),
        (lambda t: tl.sum(t, axis=0, dim=0), "'axis'"),
        (lambda t: tl.reshape(t), "'shape'"),
        (lambda t: tl.sum(t, 0, True, None, 1), "too many"),
        (lambda t: tl.exp(t, t), None),
        (lambda t: tl.exp(), None),
        (lambda t: tl.exp(x=t), None),
        (lambda t: tl.add(t), None),
        (lambda t: tl.where(t > 0, t), "too few"),
        (lambda t: tl.concat([]), "too few"),
        (lambda t: tl.concat(), "too few"),
        (lambda t: tl.maximum(t, t, t), None),
    ],
)
def test_wrong_calls_are_type_errors(call, complaint):
    with pytest.raises(TypeError, match=complaint):
        call(Tensor([1.0, 2.0]))


def test_python_numbers_are_recorded_as_numbers():
    x = scalar(2.0)
    assert (x + 1).node.parents == (x.node, 1)
    assert (1 - x).node.parents == (1, x.node)
    assert tl.where(Tensor([True]), x, 0.0).node.parents[2] == 0.0


def test_two_python_numbers_make_a_tensor():
    assert tl.add(1, 2).item() == 3
    assert tl.maximum(1.5, 2.5).dtype == tl.float32
    assert tl.exp(0.0).item() == 1.0
    assert tl.where(True, 1.0, 2.0).item() == 1.0
    assert tl.addcmul(1, 2, 3).item() == 7
    assert tl.addcdiv(1, 2, 4).item() == 1.5


@pytest.mark.parametrize(
    "call",
    [
        lambda: tl.where(Tensor([True]), 1.0, 2.0),
        lambda: tl.where(True, 1, 2.0),
        lambda: tl.add(2.5, 1),
        lambda: tl.maximum(2.5, 1),
    ],
)
def test_python_floats_alone_have_the_default_dtype(call):
    assert call().dtype == tl.float32


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("min", lambda x, w: x.clip(w, None)),
        ("max", lambda x, w: x.clip(max=w)),
        ("fill_value", lambda x, w: tl.full_like(x, w)),
    ],
)
def test_a_tensor_in_the_place_of_a_static_parameter_is_refused(name, call):
    """Its gradient would be lost."""
    with pytest.raises(TypeError, match=f"'{name}'.*Tensor"):
        call(Tensor([1.0, 2.0], requires_grad=True), scalar(1.5))


def test_arrays_and_lists_beside_a_tensor_become_constants():
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = x * np.array([3.0, 4.0], np.float32) + [1.0, 1.0]
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_a_numpy_scalar_keeps_its_dtype():
    assert (Tensor([1.0]) * np.float64(2)).dtype == tl.float64


@pytest.mark.parametrize("name", [n for n, op in REGISTRY.items() if not op.kind.composite])
def test_methods_show_the_name_and_text_of_their_op(name):
    record = REGISTRY[name].record
    assert record.__name__ == name
    assert record.__doc__ == REGISTRY[name].__doc__
    assert inspect.signature(record) == inspect.signature(REGISTRY[name])


def test_every_method_is_the_op_of_its_name():
    x = Tensor([[0.25, 0.5]])
    for name in ("exp", "tanh", "sum", "mean", "softmax", "var", "flip", "sigmoid"):
        same(getattr(x, name)(), getattr(ops, name)(x))


def test_the_scope_of_the_module_is_noted():
    x, mode = scalar(2.0), current()
    restore(mode.but(scope="MLP/hidden"))
    try:
        results = [x * x, x.exp(), x.sum()]
    finally:
        restore(mode)
    assert {y.node.scope for y in results} == {"MLP/hidden"}
    assert (x * x).node.scope == ""


def test_subclasses_of_tensor_are_operands():
    class Parameter(Tensor):
        __slots__ = ()

    p = Parameter([1.0, 2.0], requires_grad=True)
    y = (p * 2).sum()
    assert type(y) is Tensor
    y.backward()
    assert p.grad.tolist() == [2.0, 2.0]


def test_errors_of_other_kinds_pass_through():
    @elementwise(samples=[uniform(-1, 1)], register=False)
    def broken(xp, x, /):
        """Nothing."""
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        broken(scalar(1.0))


def test_an_error_is_not_its_own_cause():
    w = Tensor([1.0, 2.0], requires_grad=True)
    for call in (lambda: w + tl.ones(3), lambda: tl.flatten(Tensor(1.0), start_axis="a")):
        with pytest.raises((ValueError, TypeError)) as caught:
            call()
        assert caught.value.__cause__ is not caught.value


@pytest.mark.parametrize("dtype", [complex, "U3", object])
def test_dtypes_that_tensors_do_not_have_are_refused(dtype):
    with pytest.raises(TypeError, match="is not a dtype that tensors have"):
        Tensor([1.0], requires_grad=True).astype(dtype)
