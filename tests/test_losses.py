"""Losses against their formulas in NumPy and SciPy, and against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.special
import scipy.stats
from scipy.special import log_softmax

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import ArgumentError, RangeError, ShapeError
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
        nn.CrossEntropyLoss(reduction=reduction)(scores, target).numpy(),
        expected,
        rtol=1e-10,
        atol=1e-12,
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


X, Y = RNG.normal(size=(2, 6, 5))
P, Q = RNG.uniform(0.05, 0.95, (2, 6, 5))
SIGNS = RNG.choice([-1.0, 1.0], (6, 5))
WEIGHTS = RNG.uniform(0.5, 2.0, 5)
CLASSES = np.array([0, 3, 2, 4, 1, 3])
LOG_P = log_softmax(X, axis=1)


def entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return -(q * np.log(p) + (1 - q) * np.log1p(-p))


def norm(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x, axis=-1)


FORMULAS = {
    "L1Loss": (nn.L1Loss, (X, Y), np.abs(X - Y)),
    "HuberLoss": (lambda r: nn.HuberLoss(r, delta=0.7), (X, Y), scipy.special.huber(0.7, X - Y)),
    "SmoothL1Loss": (
        lambda r: nn.SmoothL1Loss(r, beta=0.5),
        (X, Y),
        scipy.special.huber(0.5, X - Y) / 0.5,
    ),
    "PoissonNLLLoss": (
        lambda r: nn.PoissonNLLLoss(log_input=False, eps=0, reduction=r),
        (P, np.round(4 * Q)),
        -scipy.stats.poisson.logpmf(np.round(4 * Q), P)
        - scipy.special.gammaln(np.round(4 * Q) + 1),
    ),
    "GaussianNLLLoss": (
        lambda r: nn.GaussianNLLLoss(full=True, reduction=r),
        (X, Y, P),
        -scipy.stats.norm.logpdf(Y, X, np.sqrt(P)),
    ),
    "NLLLoss": (lambda r: nn.NLLLoss(reduction=r), (LOG_P, CLASSES), -LOG_P[range(6), CLASSES]),
    "BCELoss": (lambda r: nn.BCELoss(reduction=r), (P, Q), entropy(P, Q)),
    "BCEWithLogitsLoss": (
        lambda r: nn.BCEWithLogitsLoss(reduction=r),
        (X, Q),
        entropy(scipy.special.expit(X), Q),
    ),
    "KLDivLoss": (nn.KLDivLoss, (LOG_P, P), scipy.special.rel_entr(P, np.exp(LOG_P))),
    "HingeLoss": (nn.HingeLoss, (X, SIGNS), np.maximum(0, 1 - SIGNS * X)),
    "CosineEmbeddingLoss": (
        lambda r: nn.CosineEmbeddingLoss(0.1, r),
        (X, Y, SIGNS[:, 0].astype(int)),
        np.where(
            SIGNS[:, 0] > 0,
            1 - (X * Y).sum(1) / norm(X) / norm(Y),
            np.maximum(0, (X * Y).sum(1) / norm(X) / norm(Y) - 0.1),
        ),
    ),
    "TripletMarginLoss": (
        lambda r: nn.TripletMarginLoss(2.0, eps=0.0, reduction=r),
        (X, Y, P),
        np.maximum(0, norm(X - Y) - norm(X - P) + 2),
    ),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str, reduction: str) -> None:
    make, arrays, losses = FORMULAS[name]
    expected = {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]
    np.testing.assert_allclose(make(reduction)(*arrays).numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients(name: str) -> None:
    make, arrays, _ = FORMULAS[name]
    report = tl.gradcheck(make("mean"), list(arrays), order=2)
    assert report, str(report)


def test_binary_cross_entropy_at_the_ends_is_finite() -> None:
    p = tl.Tensor([0.0, 1.0], requires_grad=True)
    loss = F.binary_cross_entropy(p, [1.0, 1.0], reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [100.0, 0.0]
    assert np.isfinite(p.grad.numpy()).all()
    scores = tl.Tensor([-1000.0, 1000.0], requires_grad=True)
    F.binary_cross_entropy_with_logits(scores, [1.0, 1.0], reduction="sum").backward()
    np.testing.assert_allclose(scores.grad.numpy(), [-1.0, 0.0], atol=1e-30)


def test_ignored_samples_do_not_count() -> None:
    scores = tl.Tensor(X, requires_grad=True)
    loss = F.cross_entropy(scores, [0, -100, 2, -100, 1, -100])
    np.testing.assert_allclose(float(loss), -LOG_P[[0, 2, 4], [0, 2, 1]].mean())
    loss.backward()
    assert not scores.grad.numpy()[[1, 3, 5]].any()


@pytest.mark.parametrize("score", [-np.inf, np.nan])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_ignored_samples_may_have_any_score(score: float, smoothing: float) -> None:
    scores = tl.Tensor([[score, 0.0, 1.0], [0.5, 0.0, 1.0]])
    found = F.cross_entropy(scores, [-100, 2], label_smoothing=smoothing)
    alone = F.cross_entropy(scores[1:], [2], label_smoothing=smoothing)
    np.testing.assert_allclose(float(found), float(alone), rtol=1e-6)


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss])
def test_errors_of_integers_do_not_wrap_around(loss: Callable[..., tl.Tensor]) -> None:
    x, y = np.array([1, 250], "uint8"), np.array([2, 0], "uint8")
    assert float(loss(x, y)) == float(loss(x.astype(float), y.astype(float)))


def test_class_weights_weight_the_mean() -> None:
    loss = F.cross_entropy(X, CLASSES, weight=WEIGHTS)
    picked = -LOG_P[range(6), CLASSES]
    np.testing.assert_allclose(float(loss), np.average(picked, weights=WEIGHTS[CLASSES]))


def test_a_loss_of_each_example_under_vmap() -> None:
    found = tl.vmap(lambda x, y: F.cross_entropy(x, y))(X, tl.Tensor(CLASSES))
    np.testing.assert_allclose(found.numpy(), -LOG_P[range(6), CLASSES])


def test_weights_are_part_of_the_state() -> None:
    loss = nn.CrossEntropyLoss(weight=WEIGHTS)
    assert list(loss.state_dict()) == ["weight"]
    assert not list(loss.parameters())
    assert repr(nn.HuberLoss(delta=2.0)) == "HuberLoss(reduction='mean', delta=2.0)"


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: F.huber_loss(X, Y, delta=0), RangeError, "delta=0 is not positive"),
        (lambda: F.binary_cross_entropy(X, Q), RangeError, "with_logits"),
        (lambda: F.cross_entropy(X, CLASSES, label_smoothing=2), RangeError, "is no share"),
        (lambda: F.cosine_embedding_loss(X, Y, SIGNS), ShapeError, r"Pass shape \(6,\)"),
        (lambda: F.l1_loss(X, Y[:1]), ShapeError, r"\[l1_loss\] the input has shape \(6, 5\)"),
        (lambda: F.kl_div(LOG_P, P, "batch"), ArgumentError, "reduction='batch'"),
    ],
)
def test_mistakes(call, kind, message) -> None:
    with pytest.raises(kind, match=message):
        call()
