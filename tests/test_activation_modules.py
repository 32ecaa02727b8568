"""Activations as modules and functions, against their formulas in NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import ArgumentError, DTypeError, RangeError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

X = np.random.default_rng(0).normal(size=(3, 4, 2)) * 3


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


FORMULAS: dict[str, tuple[nn.Module, Callable[[np.ndarray], np.ndarray]]] = {
    "sigmoid": (nn.Sigmoid(), special.expit),
    "log_sigmoid": (nn.LogSigmoid(), special.log_expit),
    "tanh": (nn.Tanh(), np.tanh),
    "tanhshrink": (nn.Tanhshrink(), lambda x: x - np.tanh(x)),
    "softsign": (nn.Softsign(), lambda x: x / (1 + abs(x))),
    "silu": (nn.SiLU(), lambda x: x * special.expit(x)),
    "swish": (nn.Swish(1.5), lambda x: x * special.expit(1.5 * x)),
    "swish_of_1": (nn.Swish(), lambda x: x * special.expit(x)),
    "mish": (nn.Mish(), lambda x: x * np.tanh(softplus(x))),
    "gelu": (nn.GELU(), lambda x: x * special.ndtr(x)),
    "gelu_tanh": (
        nn.GELU(approximate="tanh"),
        lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    ),
    "softplus": (nn.Softplus(2.0, 6.0), lambda x: np.where(2 * x > 6, x, softplus(2 * x) / 2)),
    "softplus_without": (nn.Softplus(threshold=np.inf), softplus),
    "glu": (nn.GLU(dim=1), lambda x: x[:, :2] * special.expit(x[:, 2:])),
    "elu": (nn.ELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    "selu": (
        nn.SELU(),
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    ),
    "celu": (nn.CELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x / 0.5))),
    "relu": (nn.ReLU(), lambda x: np.maximum(x, 0)),
    "relu6": (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    "leaky_relu": (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "threshold": (nn.Threshold(1.0, -2.0), lambda x: np.where(x > 1, x, -2.0)),
    "hardtanh": (nn.Hardtanh(-0.5, 2.0), lambda x: np.clip(x, -0.5, 2.0)),
    "hardsigmoid": (nn.Hardsigmoid(), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "hardswish": (nn.Hardswish(), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "hardshrink": (nn.Hardshrink(1.0), lambda x: np.where(abs(x) > 1, x, 0)),
    "softshrink": (nn.Softshrink(1.0), lambda x: np.sign(x) * np.maximum(abs(x) - 1, 0)),
    "softmax": (nn.Softmax(dim=0), lambda x: special.softmax(x, axis=0)),
    "softmin": (nn.Softmin(axis=1), lambda x: special.softmax(-x, axis=1)),
    "log_softmax": (nn.LogSoftmax(), lambda x: special.log_softmax(x, axis=-1)),
    "softmax2d": (nn.Softmax2d(), lambda x: special.softmax(x, axis=0)),
    "prelu": (nn.PReLU(dtype=tl.float64), lambda x: np.where(x > 0, x, 0.25 * x)),
    "prelu_of_channels": (
        nn.PReLU(4, 0.5, dtype=tl.float64),
        lambda x: np.where(x > 0, x, 0.5 * x),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str) -> None:
    module, formula = FORMULAS[name]
    out = module(X)
    assert out.dtype == np.float64
    np.testing.assert_allclose(out.numpy(), formula(X), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", FORMULAS)
def test_gradient(name: str) -> None:
    assert tl.gradcheck(FORMULAS[name][0], X[:1, :, :1] if name != "softmax2d" else X, order=2)


def test_a_weight_for_each_channel() -> None:
    weight = np.array([0.1, 0.2, 0.3, 0.4])
    expected = np.where(X > 0, X, X * weight[:, None])
    np.testing.assert_allclose(F.prelu(X, weight).numpy(), expected)
    np.testing.assert_allclose(F.prelu(X[:, :, 0], weight).numpy(), expected[..., 0])
    assert F.prelu(Tensor(-2.0), Tensor([0.5])).item() == -1.0
    with pytest.raises(ShapeError, match=r"\[Sequential/0:PReLU\] the input has shape \(3, 4, 2\)"):
        nn.Sequential(nn.PReLU(3, dtype=tl.float64))(X)
    with pytest.raises(DTypeError, match=r"x.astype\(tl.float32\)"):
        nn.PReLU()(X)
    assert nn.PReLU()(np.array([-4, 4])).tolist() == [-1.0, 4.0]


def test_swish_may_have_a_learnt_beta() -> None:
    assert tl.gradcheck(F.swish, [X[0], np.array(0.7)], order=2)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda x: F.gelu(x, approximate="tanh"), "gelu_tanh"),
        (lambda x: F.silu(x), "silu"),
        (lambda x: F.logsigmoid(x), "log_sigmoid"),
        (lambda x: F.softplus(x, beta=2.0, threshold=6.0), "softplus"),
        (lambda x: F.leaky_relu(x, negative_slope=0.2), "leaky_relu"),
        (lambda x: F.softmax(x, dim=0), "softmax"),
        (lambda x: F.softmin(x, dim=1), "softmin"),
        (lambda x: F.log_softmax(x, dim=-1), "log_softmax"),
        (lambda x: F.glu(x, dim=1), "glu"),
        (lambda x: F.hardtanh(x, min_val=-0.5, max_val=2.0), "hardtanh"),
        (lambda x: F.threshold(x, threshold=1.0, value=-2.0), "threshold"),
        (lambda x: F.elu(x, alpha=0.5), "elu"),
        (lambda x: F.celu(x, alpha=0.5), "celu"),
        (lambda x: F.hardshrink(x, lambd=1.0), "hardshrink"),
        (lambda x: F.softshrink(x, lambd=1.0), "softshrink"),
    ],
)
def test_functions_have_their_parameter_names(call: Any, expected: str) -> None:
    np.testing.assert_allclose(call(X).numpy(), FORMULAS[expected][1](X), rtol=1e-12)


def test_slopes_by_chance() -> None:
    layer = nn.RReLU(0.1, 0.3)
    slopes = layer(np.full(1000, -1.0)).numpy() * -1
    assert 0.1 <= slopes.min() < 0.11
    assert 0.29 < slopes.max() <= 0.3
    np.testing.assert_array_equal(layer(abs(X)).numpy(), abs(X))
    np.testing.assert_allclose(layer.eval()(X).numpy(), np.where(X > 0, X, 0.2 * X))
    with pytest.raises(RangeError, match=r"\[rrelu\] lower=1 is above upper=0"):
        F.rrelu(X, 1, 0)


@pytest.mark.parametrize("hard", [False, True])
def test_categories_by_chance(hard: bool) -> None:
    tl.manual_seed(0)
    shares = np.array([0.1, 0.6, 0.3])
    logits = Tensor(np.log(shares) * np.ones((20_000, 1)), requires_grad=True)
    out = F.gumbel_softmax(logits, tau=0.5, hard=hard)
    np.testing.assert_allclose(out.numpy().sum(1), 1)
    chosen = np.bincount(out.numpy().argmax(1), minlength=3) / 20_000
    np.testing.assert_allclose(chosen, shares, atol=0.01)
    if hard:
        assert np.isin(out.numpy().round(12), [0, 1]).all()
    out[:, 0].sum().backward()
    assert logits.grad.numpy().any()
    with pytest.raises(RangeError, match=r"\[gumbel_softmax\] tau=0 is not positive"):
        F.gumbel_softmax(logits, 0)


def test_settings_are_shown_and_kept() -> None:
    assert repr(nn.ELU(0.5)) == "ELU(alpha=0.5)"
    assert repr(nn.ReLU()) == "ReLU()"
    assert repr(nn.Softmax(dim=1)) == "Softmax(axis=1)"
    assert nn.Hardtanh(max_val=2.0).min_val == -1.0
    assert nn.PReLU(3).weight.shape == (3,)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.ELU(beta=1), r"\[ELU\] .*'beta'. Call ELU\(alpha=1.0\)."),
        (lambda: nn.Threshold(1.0), r"\[Threshold\] missing.*Call Threshold\(threshold, value\)."),
        (lambda: nn.ReLU(1), r"\[ReLU\] too many positional arguments. Call ReLU\(\)."),
        (lambda: nn.ReLU(inplace=True), r"\[ReLU\] .*'inplace'"),
        (lambda: nn.Softmax(1, dim=1), r"\[Softmax\] multiple values"),
    ],
)
def test_mistakes(build: Callable[[], nn.Module], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        build()
