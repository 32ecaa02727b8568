"""How numbers begin: the distributions that the papers ask for."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.errors import ArgumentError, RangeError, ShapeError
from tinygrad_lesson.nn import init

from .support import same


def weight(*shape: int) -> Tensor:
    return tl.zeros(*shape, dtype=tl.float64, requires_grad=True)


@pytest.fixture(autouse=True)
def _seed() -> None:
    tl.manual_seed(0)


NORMAL, UNIFORM = scipy.stats.norm, scipy.stats.uniform


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        (lambda w: init.uniform_(w, -1, 3), UNIFORM(-1, 4)),
        (lambda w: init.normal_(w, 2.0, 0.5), NORMAL(2.0, 0.5)),
        (lambda w: init.trunc_normal_(w, 0.5, 1.0, -1, 2), scipy.stats.truncnorm(-1.5, 1.5, 0.5)),
        (init.xavier_uniform_, UNIFORM(-np.sqrt(6 / 500), 2 * np.sqrt(6 / 500))),
        (lambda w: init.xavier_normal_(w, 2.0), NORMAL(0, 2 * np.sqrt(2 / 500))),
        (init.kaiming_uniform_, UNIFORM(-np.sqrt(6 / 200), 2 * np.sqrt(6 / 200))),
        (
            lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
            NORMAL(0, np.sqrt(2 / 300)),
        ),
        (lambda w: init.kaiming_normal_(w, a=1.0), NORMAL(0, np.sqrt(1 / 200))),
    ],
)
def test_distribution(fill, expected) -> None:
    w = weight(300, 200)
    assert fill(w) is w
    assert w.requires_grad
    assert scipy.stats.kstest(w.numpy().ravel(), expected.cdf).pvalue > 1e-3


def test_fans_of_a_kernel_count_its_places() -> None:
    assert init.fans((16, 3, 5, 5)) == (75, 400)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (6, 2, 2)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    w = init.orthogonal_(weight(*shape), gain=2.0).numpy().reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    same(product, 4 * np.eye(len(product)), 1e-12, 1e-12)


def test_sparse() -> None:
    w = init.sparse_(weight(10, 7), 0.25).numpy()
    assert ((w == 0).sum(axis=0) == 3).all()


def test_constants() -> None:
    assert init.ones_(weight(2)).tolist() == [1.0, 1.0]
    assert init.zeros_(init.ones_(weight(2))).tolist() == [0.0, 0.0]
    assert init.eye_(weight(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    kernel = init.dirac_(weight(4, 2, 3), groups=2).numpy()
    assert kernel.sum() == 4
    assert kernel[0, 0, 1] == kernel[1, 1, 1] == kernel[2, 0, 1] == kernel[3, 1, 1] == 1


def test_gains() -> None:
    assert init.calculate_gain("linear") == init.calculate_gain("conv3d") == 1
    assert init.calculate_gain("tanh") == 5 / 3
    same(init.calculate_gain("leaky_relu", 0.5), np.sqrt(2 / 1.25))
    # What the gain is for: the variance stays from layer to layer.
    x = tl.randn(2000, 300)
    for _ in range(5):
        x = tl.relu(x @ init.kaiming_normal_(tl.zeros(300, 300), nonlinearity="relu").mT)
    assert 0.5 < float((x * x).mean()) < 2.0


def test_old_graphs_keep_their_numbers() -> None:
    w = init.ones_(weight(2))
    y = (w * w).sum()
    init.zeros_(w)
    y.backward()
    assert w.grad.tolist() == [2.0, 2.0]


def test_a_generator_makes_it_repeatable() -> None:
    a, b = (init.normal_(weight(5), generator=np.random.default_rng(3)) for _ in range(2))
    same(a, b)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: init.xavier_normal_(weight(3)), ShapeError, r"shape \(3,\) has no fan in"),
        (lambda: init.eye_(weight(3)), ShapeError, r"\[eye_\] shape \(3,\) is no matrix"),
        (lambda: init.orthogonal_(weight(3)), ShapeError, "is no matrix"),
        (lambda: init.dirac_(weight(3, 2)), ShapeError, "is no kernel"),
        (lambda: init.kaiming_normal_(weight(3, 2), mode="in"), ArgumentError, "mode='in'"),
        (lambda: init.calculate_gain("swish"), ArgumentError, "nonlinearity='swish'"),
        (lambda: init.trunc_normal_(weight(3), a=2.0, b=1.0), RangeError, "a=2.0 is not below"),
        (lambda: init.trunc_normal_(weight(3), mean=20.0), RangeError, "less than a thousandth"),
    ],
)
def test_mistakes(call, kind, message) -> None:
    with pytest.raises(kind, match=message):
        call()
