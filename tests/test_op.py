"""The declaration of an op, as a third party would write one."""

from __future__ import annotations

import inspect
import pickle

import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors, ops
from tinygrad_lesson.op import REGISTRY, composite, elementwise, movement
from tinygrad_lesson.samples import sample, uniform

from .support import scalar


@pytest.fixture
def cube():
    @elementwise(samples=[uniform(-3, 3)], register=False)
    def cube(xp, x, /):
        """Cube ``x ** 3``."""
        return x * x * x

    @cube.vjp("x", saves=("x",))
    def _(xp, g, out, x):
        return g * (3 * x * x)

    return cube


def test_an_op_of_ones_own(cube):
    x = scalar(2.0)
    (first,) = autograd.grad(cube(x), x, create_graph=True)
    (second,) = autograd.grad(first, x)
    assert (cube(x).item(), first.item(), second.item()) == (8.0, 12.0, 12.0)


def test_what_an_op_tells_about_itself(cube):
    assert cube.name == cube.__name__ == "cube"
    assert cube.doc == "Cube ``x ** 3``."
    assert cube.arrays == ("x",)
    assert cube.kind is elementwise
    assert str(inspect.signature(cube)) == "(x, /)"
    assert repr(cube) == "<op cube(x, /)>"
    assert cube.__module__ == __name__
    assert "cube" not in REGISTRY


def test_registration_is_by_name():
    @elementwise(samples=[uniform(-1, 1)])
    def test_only(xp, x, /):
        """The same."""
        return x

    try:
        assert REGISTRY["test_only"] is test_only
    finally:
        del REGISTRY["test_only"]


def test_an_op_is_pickled_by_its_name():
    assert pickle.loads(pickle.dumps(ops.tanh)) is ops.tanh


def test_static_parameters_are_told_from_arrays():
    op = ops.clip
    assert op.arrays == ("x",)
    assert op.parameters == ("min", "max")
    assert dict(op.defaults) == {"min": None, "max": None}
    assert ops.reshape.required == ("shape",)


@pytest.mark.parametrize("arguments", [("z",), ()])
def test_a_rule_for_no_input_is_refused(cube, arguments):
    with pytest.raises(errors.ArgumentError, match=r"cube\.vjp.*\['x'\]"):
        cube.vjp(*arguments)


def test_saving_what_does_not_exist_is_refused(cube):
    with pytest.raises(errors.ArgumentError, match=r"\['result'\]"):
        cube.vjp("x", saves=("result",))


def test_a_later_rule_takes_the_place_of_the_first(cube):
    x = scalar(2.0)
    cube(x).backward()

    @cube.vjp("x")
    def _(xp, g, out, x):
        return g

    assert autograd.grad(cube(x), x)[0].item() == 1.0


def test_variadic_rules_get_their_position():
    @movement(samples=[sample(uniform(-1, 1), uniform(-1, 1))], register=False)
    def weighted(xp, *arrays):
        """Sum of ``(i + 1) * arrays[i]``."""
        total = 0.0
        for i, array in enumerate(arrays):
            total = total + (i + 1) * array
        return total

    @weighted.vjp("arrays")
    def _(xp, g, out, *arrays, position):
        return g * (position + 1)

    inputs = [scalar(1.0), scalar(2.0), scalar(3.0)]
    assert [g.item() for g in autograd.grad(weighted(*inputs), inputs)] == [1.0, 2.0, 3.0]
    (g,) = autograd.grad(weighted(Tensor(1.0), Tensor(2.0), inputs[2]), inputs[2])
    assert g.item() == 3.0


def test_a_composite_is_differentiated_through():
    @composite(samples=[uniform(-1, 1)], register=False)
    def swish(xp, x, /):
        """``x * sigmoid(x)``."""
        return x * xp.sigmoid(x)

    x = scalar(0.5)
    y = swish(x)
    assert y.node.op is ops.multiply
    y.backward()
    s = tl.sigmoid(Tensor(0.5, dtype=tl.float64)).item()
    assert x.grad.item() == pytest.approx(s + 0.5 * s * (1 - s))


def test_the_mask_of_wanted_inputs_decides_what_is_kept():
    plans = ops.divide.plans
    assert plans[0b101].slots == (2,)  # x alone: y
    assert plans[0b110].slots == (0, 2)  # y alone: out and y
    assert plans[0b111].slots == (0, 2)
    assert ops.add.plans[0b111].slots == ()
    assert [i for i, _ in ops.where.plans[0b1111].rules] == [1, 2]


def test_zero_and_unwritten_derivatives_are_different(cube):
    assert not ops.floor.differentiable
    assert cube.differentiable
    cube.no_gradient("x")
    assert not cube.differentiable
    assert not cube(scalar(1.0)).requires_grad


def test_a_rule_that_falls_over_its_input_is_named():
    @elementwise(samples=[uniform(-1, 1)], register=False)
    def careless(xp, x, /):
        return xp.exp(x)

    @careless.vjp("x")  # saves=("x",) is missing
    def _(xp, g, out, x):
        return g * x

    with pytest.raises(errors.RuleError, match=r"\[careless\] its rule for 'x' failed.*saves="):
        careless(Tensor(1.0, requires_grad=True)).backward()


def test_declarations_that_make_no_sense_are_refused():
    with pytest.raises(errors.ArgumentError, match="Put a slash"):

        @elementwise(samples=[], register=False)
        def bar(xp, x):
            return x

    with pytest.raises(errors.ArgumentError, match=r"\[exp.no_gradient\].*\['y'\]"):
        ops.exp.no_gradient("y")
    with pytest.raises(errors.ArgumentError, match="no input is named"):
        ops.exp.vjp()
