"""Dropout: how much is dropped, what stays the same, and that it is repeatable."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.errors import RangeError, ShapeError
from tinygrad_lesson.graph import replay, topological
from tinygrad_lesson.nn import functional as F  # noqa: N812


@pytest.fixture(autouse=True)
def _seed() -> None:
    tl.manual_seed(0)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_share_is_dropped_and_the_mean_stays(p: float) -> None:
    out = nn.Dropout(p)(tl.ones(100_000)).numpy()
    assert set(np.unique(out)) == {0.0, np.float32(1 / (1 - p))}
    assert np.mean(out == 0) == pytest.approx(p, abs=0.01)
    assert out.mean() == pytest.approx(1.0, abs=0.02)


def test_p_of_0_and_evaluation_change_nothing_and_leave_no_node() -> None:
    x = tl.ones(3, 4, 5, requires_grad=True)
    for kind in (nn.Dropout, nn.Dropout1d, nn.AlphaDropout):
        assert kind(0.5).eval()(x) is x
        assert kind(0.0)(x) is x
    assert F.dropout(x, training=False) is x
    assert F.alpha_dropout(x, 0.5) is x  # PyTorch's default


def test_p_of_1_drops_all() -> None:
    x = tl.ones(4, requires_grad=True)
    for out in (F.dropout(x, 1.0), F.alpha_dropout(x, 1.0, True)):
        assert out.tolist() == [0.0] * 4
        (gradient,) = tl.autograd.grad(out.sum(), x)
        assert gradient.tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("layer", "shape", "whole"),
    [
        (nn.Dropout1d(), (8, 50, 3), (2,)),
        (nn.Dropout1d(), (50, 3), (1,)),
        (nn.Dropout2d(), (8, 50, 3, 2), (2, 3)),
        (nn.Dropout3d(), (8, 50, 3, 2, 2), (2, 3, 4)),
        (nn.Dropout3d(), (50, 3, 2, 2), (1, 2, 3)),
    ],
)
def test_whole_channels_are_dropped(
    layer: nn.Module, shape: tuple[int, ...], whole: tuple[int, ...]
) -> None:
    out = layer(np.ones(shape, np.float32)).numpy()
    assert (out.min(axis=whole) == out.max(axis=whole)).all()
    assert set(np.unique(out)) == {0.0, 2.0}


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    out = nn.AlphaDropout(0.3)(tl.randn(200_000)).numpy()
    assert out.mean() == pytest.approx(0, abs=0.02)
    assert out.std() == pytest.approx(1, abs=0.02)
    scale = 1 / np.sqrt(0.7 * (1 + 0.3 * 1.7580993408473766**2))
    dropped = scale * (-1.7580993408473766 * (1 - 0.3))  # a x + b with x = -alpha' and b = 0.3 a'
    assert np.mean(np.isclose(out, dropped, atol=1e-6)) == pytest.approx(0.3, abs=0.01)


def test_the_seed_decides_and_a_replay_drops_the_same() -> None:
    x = tl.randn(50, requires_grad=True)
    tl.manual_seed(5)
    first = F.dropout(x)
    tl.manual_seed(5)
    second = F.dropout(x)
    np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert not np.array_equal(first.numpy(), F.dropout(x).numpy())
    again = replay(topological([first.node]), numpy_namespace)[first.node]
    np.testing.assert_array_equal(again, first.numpy())


def test_the_gradient_meets_the_same_mask() -> None:
    x = tl.randn(50, requires_grad=True)
    out = F.dropout(x, 0.3)
    out.sum().backward()
    np.testing.assert_allclose((x * x.grad).numpy(), out.numpy(), rtol=1e-6)
    assert x.grad.dtype == np.float32


def test_dtypes_stay() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        assert F.dropout(np.ones(3, dtype)).dtype == dtype
    assert F.dropout(Tensor([1, 2])).dtype.kind == "f"


@pytest.mark.parametrize("p", [-0.1, 1.5, float("nan")])
def test_a_wrong_probability_is_refused(p: float) -> None:
    with pytest.raises(RangeError, match=r"\[Dropout\] p=.* is no probability. Pass 0 <= p <= 1."):
        nn.Dropout(p)
    with pytest.raises(RangeError, match=r"\[dropout\] p="):
        F.dropout(tl.ones(3), p)
    with pytest.raises(RangeError, match=r"\[alpha_dropout\] p="):
        F.alpha_dropout(tl.ones(3), p)


def test_wrong_axes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\[Sequential/0:Dropout2d\].*could be.*Use dropout1d"):
        nn.Sequential(nn.Dropout2d())(tl.ones(3, 4, 5))
    with pytest.raises(ShapeError, match=r"\[dropout1d\] the input has shape \(3,\)"):
        F.dropout1d(tl.ones(3))
