"""Losses against their formulas in NumPy and SciPy, and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import ArgumentError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_mse(reduction: str) -> None:
    a, b = RNG.normal(size=(2, 3, 4))
    squared = (a - b) ** 2
    expected = {"mean": squared.mean(), "sum": squared.sum(), "none": squared}[reduction]
    np.testing.assert_allclose(nn.MSELoss(reduction)(a, b).numpy(), expected)


@pytest.mark.parametrize("shape", [(5,), (4, 5), (4, 5, 2, 3)])
@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy(shape: tuple[int, ...], probabilities: bool, reduction: str) -> None:
    axis = 1 if len(shape) > 1 else 0
    scores = RNG.normal(size=shape) * 5
    classes = RNG.integers(0, 5, shape[:axis] + shape[axis + 1 :])
    one_hot = np.moveaxis(np.eye(5)[classes], -1, axis)
    losses = -(one_hot * log_softmax(scores, axis=axis)).sum(axis)
    expected = {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]
    target = one_hot if probabilities else classes
    np.testing.assert_allclose(
        nn.CrossEntropyLoss(reduction)(scores, target).numpy(), expected, rtol=1e-12
    )


def test_losses_pass_gradcheck() -> None:
    scores, classes = RNG.normal(size=(4, 3)), np.array([0, 2, 1, 1])
    assert tl.gradcheck(F.cross_entropy, [scores, classes], order=2)
    assert tl.gradcheck(F.mse_loss, [scores, RNG.normal(size=(4, 3))], order=2)


def test_cross_entropy_stays_finite_for_large_scores() -> None:
    scores = tl.Tensor([[1000.0, 0.0], [-1000.0, 0.0]], requires_grad=True)
    loss = F.cross_entropy(scores, [1, 0])
    loss.backward()
    assert float(loss) == 1000.0
    np.testing.assert_allclose(scores.grad.numpy(), [[0.5, -0.5], [-0.5, 0.5]])


def test_targets_that_do_not_fit_are_refused() -> None:
    scores = np.zeros((4, 3))
    with pytest.raises(ShapeError, match="Reshape one of them"):
        F.mse_loss(np.zeros((4, 1)), np.zeros(4))
    with pytest.raises(ShapeError, match=r"Pass shape \(4,\)"):
        F.cross_entropy(scores, [0, 1])
    with pytest.raises(ShapeError, match="float targets are probabilities"):
        F.cross_entropy(scores, np.zeros(4))
    with pytest.raises(ArgumentError, match="Number them from 0 to 2"):
        F.cross_entropy(scores, [0, 1, 2, 3])
    with pytest.raises(ArgumentError, match="'mean', 'sum' or 'none'"):
        F.mse_loss(scores, scores, reduction="average")
