"""Activations at extremes, at kinks and in narrow floats, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors
from tinygrad_lesson.op import REGISTRY

from .oracles import VALUES
from .support import filled, same, scalar, seeded

SMOOTH = ("sigmoid", "log_sigmoid", "softplus", "silu", "mish", "gelu", "elu", "selu", "celu",
          "softsign", "tanhshrink")  # fmt: skip
STRAIGHT = ("relu", "leaky_relu", "hardtanh", "relu6", "hardsigmoid", "hardswish", "softshrink",
            "hardshrink")  # fmt: skip


def value_and_slope(function, at):
    """Of one number, both."""
    x = scalar(at)
    y = function(x)
    (g,) = autograd.grad(y, x)
    return float(y), float(g)


def tanh_gelu(x):
    return tl.gelu(x, approximate="tanh")


# ---- extremes: pytest takes a warning for an error ---------------------------------------


@pytest.mark.parametrize(
    ("function", "at", "value", "slope"),
    [
        (tl.sigmoid, 1000.0, 1.0, 0.0),
        (tl.sigmoid, -1000.0, 0.0, 0.0),
        (tl.log_sigmoid, 1000.0, 0.0, 0.0),
        (tl.log_sigmoid, -1000.0, -1000.0, 1.0),
        (tl.softplus, 1000.0, 1000.0, 1.0),
        (tl.softplus, -1000.0, 0.0, 0.0),
        (tl.softplus, -30.0, np.exp(-30), np.exp(-30)),
        (tl.silu, 1000.0, 1000.0, 1.0),
        (tl.silu, -1000.0, 0.0, 0.0),
        (tl.mish, 1000.0, 1000.0, 1.0),
        (tl.mish, -1000.0, 0.0, 0.0),
        (tl.gelu, 1000.0, 1000.0, 1.0),
        (tl.gelu, -1000.0, 0.0, 0.0),
        (tanh_gelu, 1e200, 1e200, 1.0),
        (tanh_gelu, -1e200, 0.0, 0.0),
        (tl.elu, 1000.0, 1000.0, 1.0),
        (tl.elu, -1000.0, -1.0, 0.0),
        (tl.celu, -1000.0, -1.0, 0.0),
        (tl.selu, -1000.0, -1.7580993408473766, 0.0),
        (tl.softsign, 1e300, 1.0, 0.0),
        (tl.tanhshrink, 1000.0, 999.0, 1.0),
        # the limits
        (tl.silu, -np.inf, 0.0, 0.0),
        (tl.mish, -np.inf, 0.0, 0.0),
        (tl.gelu, -np.inf, 0.0, 0.0),
        (tanh_gelu, -np.inf, 0.0, 0.0),
        (tl.hardswish, -np.inf, 0.0, 0.0),
        (tl.softsign, np.inf, 1.0, 0.0),
        (tl.softsign, -np.inf, -1.0, 0.0),
        (tl.gelu, np.inf, np.inf, 1.0),
    ],
)
def test_extremes(function, at, value, slope):
    found = value_and_slope(function, at)
    same(found, (value, slope), rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", [*SMOOTH, *STRAIGHT])
def test_narrow_floats_of_any_size(name, dtype):
    """Nothing overflows, and the value is the true one, rounded."""
    op = REGISTRY[name]
    top = float(np.finfo(dtype).max) / 2
    x = np.array([-top, -1000, -90, -20, -11, -5, -1e-3, 0, 1e-3, 5, 11, 20, 90, 1000, top], dtype)
    t = Tensor(x, requires_grad=True)
    y = op(t)
    assert y.dtype == dtype
    with np.errstate(over="ignore"):
        expected = VALUES[name](x.astype(float), **filled(op, {})).astype(dtype)
    eps = float(np.finfo(dtype).eps)
    same(y, expected, rtol=8 * eps, atol=eps)
    (g,) = autograd.grad(y, t, Tensor(np.ones_like(x)))
    assert np.isfinite(g.numpy()).all()
    assert (np.abs(g.numpy()) < 2).all()


@given(st.floats(-38, 38))
def test_gelu_keeps_its_digits_in_the_tail(x):
    (value, slope), density = value_and_slope(tl.gelu, x), np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    chance = scipy.special.ndtr(x)
    assert value == pytest.approx(x * chance, rel=1e-11, abs=1e-300)
    assert slope == pytest.approx(chance + x * density, rel=1e-9, abs=1e-15 * (x > -2) + 1e-300)


def test_gelu_of_more_than_one_block():
    x = seeded("gelu").normal(size=(3, 20_000))[:, ::2] * 3
    same(tl.gelu(Tensor(x)), x * scipy.special.ndtr(x), rtol=1e-12)
    single = tl.gelu(Tensor(x.astype(np.float32)))
    same(single, x * scipy.special.ndtr(x), rtol=3e-6, atol=1e-7)


# ---- kinks -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (tl.relu, 0.0, 0.0),
        (tl.relu6, 0.0, 0.0),
        (tl.relu6, 6.0, 0.0),
        (tl.leaky_relu, 0.0, 0.01),
        (tl.elu, 0.0, 1.0),
        (lambda x: tl.elu(x, alpha=2.0), 0.0, 2.0),
        (lambda x: tl.celu(x, alpha=2.0), 0.0, 1.0),
        (tl.selu, 0.0, 1.7580993408473766),
        (tl.hardtanh, 1.0, 0.0),
        (tl.hardtanh, -1.0, 0.0),
        (tl.hardsigmoid, 3.0, 0.0),
        (tl.hardsigmoid, -3.0, 0.0),
        (tl.hardswish, 3.0, 1.0),
        (tl.hardswish, -3.0, 0.0),
        (tl.softshrink, 0.5, 0.0),
        (tl.hardshrink, -0.5, 0.0),
        (lambda x: tl.threshold(x, threshold=2.0, value=7.0), 2.0, 0.0),
        (lambda x: tl.leaky_relu(x, negative_slope=3.0), -1.0, 3.0),
        (lambda x: tl.leaky_relu(x, negative_slope=0.0), -1.0, 0.0),
        (lambda x: tl.leaky_relu(x, negative_slope=-1.0), -2.0, -1.0),
    ],
)
def test_slope_at_a_kink(function, at, slope):
    assert value_and_slope(function, at)[1] == pytest.approx(slope)


@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 1.0, 2.0])
def test_leaky_relu_of_any_slope(slope):
    x = np.array([-2.0, -0.0, 0.0, 3.0])
    same(tl.leaky_relu(Tensor(x), negative_slope=slope), np.where(x > 0, x, slope * x))


def test_prelu_of_channels():
    x = Tensor(-np.ones((2, 3, 4)), requires_grad=True)
    weight = Tensor([0.1, 0.2, 0.3], requires_grad=True, dtype=tl.float64)
    y = tl.prelu(x, tl.expand_dims(weight, axis=1))
    same(y[0, :, 0], [-0.1, -0.2, -0.3])
    y.sum().backward()
    assert weight.grad.tolist() == [-8.0, -8.0, -8.0]


# ---- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tl.softplus([1.0], beta=0), errors.RangeError,
         r"\[softplus\] beta=0 is not positive\. Pass beta > 0\."),
        (lambda: tl.celu([1.0], alpha=0.0), errors.RangeError,
         r"\[celu\] alpha=0\.0 is not positive\. Pass alpha > 0\."),
        (lambda: tl.softshrink([1.0], lambd=-1), errors.RangeError,
         r"\[softshrink\] lambd=-1 is negative\. Pass lambd >= 0\."),
        (lambda: tl.hardshrink([1.0], lambd=-1), errors.RangeError,
         r"\[hardshrink\] lambd=-1 is negative"),
        (lambda: tl.hardtanh([1.0], min_val=2.0), errors.RangeError,
         r"\[hardtanh\] min_val=2\.0 is above max_val=1\.0\. Exchange them\."),
        (lambda: tl.gelu([1.0], approximate="erf"), errors.RangeError,
         r"\[gelu\] approximate='erf' is unknown\. Pass 'none' or 'tanh'\."),
        (lambda: tl.glu(tl.ones(2, 3)), errors.ShapeError,
         r"\[glu\] axis -1 of shape \(2, 3\) has an odd length\. It is cut into two halves\."),
        (lambda: tl.glu(tl.ones(2, 4), axis=2), errors.AxisError,
         r"\[glu\] axis 2 does not exist in shape \(2, 4\)\. Use an axis from -2 to 1\."),
        (lambda: tl.glu(tl.ones(2, 4), axis=None), errors.ArgumentError,
         r"\[glu\] axis=None is not an integer"),
        (lambda: tl.prelu(tl.ones(2, 3, 4), tl.ones(3)), errors.ShapeError,
         r"\[prelu\] shapes \(2, 3, 4\) and \(3,\) do not broadcast\. Give the second a new axis"),
    ],
)  # fmt: skip
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
