"""Statistics: ties in the middle, NaN and infinities, weights, and derivatives of spreads at 0."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors

from .support import derivatives, same

METHODS = ["linear", "lower", "higher", "nearest", "midpoint"]
ARRAYS = hnp.arrays(
    float, hnp.array_shapes(max_dims=3, max_side=5), elements=st.integers(-20, 20).map(float)
)


@given(ARRAYS, st.data())
def test_quantiles_are_those_of_numpy(x: np.ndarray, data: st.DataObject) -> None:
    axes = st.lists(st.integers(0, x.ndim - 1), unique=True, min_size=1).map(tuple)
    axis = data.draw(st.none() | st.integers(-x.ndim, x.ndim - 1) | axes)
    q = data.draw(st.floats(0, 1) | st.lists(st.floats(0, 1), min_size=1, max_size=3).map(tuple))
    method = data.draw(st.sampled_from(METHODS))
    for keepdims in (False, True):
        found = tl.quantile(Tensor(x), q, axis=axis, keepdims=keepdims, method=method)
        expected = np.quantile(x, q, axis=axis, keepdims=keepdims, method=method)
        same(found, expected, 1e-9, 1e-9)
    same(tl.percentile(Tensor(x), 100), np.max(x))


@given(hnp.arrays(float, st.integers(1, 9), elements=st.floats(-1e6, 1e6)))
def test_quantiles_never_fall(x: np.ndarray) -> None:
    shares = tuple(i / 50 for i in range(51))
    assert (np.diff(tl.quantile(Tensor(x), shares).numpy()) >= 0).all()


def test_the_median_at_ties() -> None:
    """A stable sort puts the first two of the equal ones before the middle, the third into it."""
    first, _ = derivatives(tl.median, [2.0, 5.0, 2.0, 1.0, 2.0])
    assert first.tolist() == [0, 0, 1, 0, 0]
    first, _ = derivatives(tl.median, [2.0, 2.0, 2.0, 2.0])
    assert first.tolist() == [0, 0.5, 0.5, 0]


def test_infinities_and_nan() -> None:
    infinite = Tensor([math.inf, 1.0, 2.0])
    assert tl.median(infinite).item() == tl.quantile(infinite, 0.5).item() == 2
    assert tl.median(Tensor([math.inf, math.inf])).item() == math.inf
    rows = Tensor([[math.nan, 1.0, 2.0], [3.0, 1.0, 2.0]])
    same(tl.median(rows, axis=1), [math.nan, 2.0])
    same(tl.quantile(rows, (0.0, 1.0), axis=1), [[math.nan, 1.0], [math.nan, 3.0]])


def test_the_middle_of_large_numbers_does_not_overflow() -> None:
    assert tl.median(Tensor([6e4, 6e4], dtype=tl.float16)).item() == np.float16(6e4)
    assert tl.median(Tensor(np.array([100, 120], np.int8))).item() == 110
    assert tl.quantile(Tensor(np.array([-128, 127], np.int8)), 0.5).item() == -0.5


def test_nanmean() -> None:
    rows = np.array([[math.nan, 1.0, 3.0], [math.nan] * 3])
    same(tl.nansum(Tensor(rows), axis=1), [4.0, 0.0])
    with np.errstate(invalid="ignore"):
        same(tl.nanmean(Tensor(rows), axis=1), [2.0, math.nan])
    first, _ = derivatives(tl.nanmean, rows[0])
    assert first.tolist() == [0.0, 0.5, 0.5]
    many = Tensor(np.ones(5000), dtype=tl.float16)
    assert tl.nanmean(many).item() == 1


@pytest.mark.parametrize("function", [tl.nanmax, tl.nanmin])
def test_extremes_of_what_is_not_nan(function: Any) -> None:
    rows = np.array([[math.nan, 1.0, 3.0], [math.nan] * 3, [math.nan, -math.inf, math.inf]])
    found = function(Tensor(rows), axis=1).numpy()
    same(found[1], math.nan)
    numpys = getattr(np, function.__name__)
    same(found[::2], numpys(rows[::2], axis=1))
    first, _ = derivatives(lambda t: function(t, axis=1)[0], rows)
    assert first.sum() == first[0, 2 if function is tl.nanmax else 1] == 1


@pytest.mark.parametrize("function", [tl.std, lambda t: tl.std_mean(t).std, tl.var])
@pytest.mark.parametrize("value", [0.0, 0.1, 0.7, 1e10 / 3, -1e-7 / 3])
@pytest.mark.parametrize("count", [1, 3, 7, 10])
def test_spread_of_equal_numbers(function: Any, value: float, count: int) -> None:
    """Exactly 0, although their sum over their number need not be their value; so is its slope."""
    x = np.full(count, value)
    assert function(Tensor(x)).item() == 0
    first, second = derivatives(function, x)
    same(first, np.zeros(count), 0, 0)
    assert np.isfinite(second).all()


def test_variance_far_from_zero() -> None:
    x = 1e9 + np.array([0.0, 1.0, 2.0])
    same(tl.var(Tensor(x)), 2 / 3)
    unsigned = Tensor(np.array([250, 0, 255], np.uint8))
    same(tl.var(unsigned), np.var([250, 0, 255]))


def test_names_of_results() -> None:
    x = Tensor([1.0, 2.0, 6.0])
    assert tl.var_mean(x).mean.item() == tl.std_mean(x).mean.item() == 3
    assert tl.aminmax(x).max.item() == 6


def test_weights() -> None:
    x = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])
    for axis, w in [(None, x + 1), (1, [1.0, 0.0, 2.0]), (0, [3.0, 1.0]), ((0, 1), x * x)]:
        found = tl.average(Tensor(x), axis=axis, weights=Tensor(w, dtype=tl.float64))
        same(found, np.average(x, axis, w))
    same(tl.average(Tensor(x), 1), np.average(x, 1))
    small = np.array([100, 100], np.int8)
    same(tl.average(Tensor(small), weights=Tensor(small)), 100.0)
    first, _ = derivatives(lambda w: tl.average(Tensor(x[0]), weights=w), [1.0, 1.0, 1.0])
    same(first, (x[0] - 2) / 3)


def test_covariance() -> None:
    x = np.array([[1.0, 2.0, 4.0], [3.0, 1.0, 1.0]])
    same(tl.cov(Tensor(x)), np.cov(x))
    same(tl.cov(Tensor(x), rowvar=False, correction=0), np.cov(x, rowvar=False, ddof=0))
    same(tl.cov(Tensor(x[0]), bias=True), np.cov(x[0], bias=True))
    same(tl.corrcoef(Tensor(x)), np.corrcoef(x))
    same(tl.corrcoef(Tensor(x[0])), 1.0)


def test_the_correlation_of_a_constant_is_nan() -> None:
    x = Tensor([[1.0, 2.0], [0.5, 0.5]], dtype=tl.float64)
    same(tl.corrcoef(x), [[1.0, math.nan], [math.nan, math.nan]])


def test_correlations_stay_within_one() -> None:
    x = np.random.default_rng(0).uniform(size=20) / 3
    found = tl.corrcoef(Tensor(np.stack([x, x * 1.1, -x])))
    assert np.abs(found.numpy()).max() <= 1


def test_weighted_sums_do_not_overflow_in_half_precision_nor_lose_digits() -> None:
    x, w = np.float16([6e4, 6e4, 3e4]), np.float16([1e4, 1e4, 0])
    same(tl.average(x, weights=w), np.float16(6e4))
    same(tl.trapezoid(x[:2], dx=0.5), np.float16(3e4))
    same(tl.trapezoid(x, x=np.float16([0, 0.5, 0.5])), np.float16(3e4))
    wide, narrow = np.array([1.0, 2.0, 4.0]), np.float32([0.1, 1e8, 1.0])
    exact = narrow.astype(float)
    same(tl.average(wide, weights=narrow), np.average(wide, weights=exact), 1e-15, 0)
    same(tl.trapezoid(wide, x=narrow), np.trapezoid(wide, exact), 1e-15, 0)
    same(tl.trapezoid(narrow, x=wide), np.trapezoid(exact, wide), 1e-15, 0)


def test_trapezoid() -> None:
    y = np.array([[1.0, 3.0, 2.0], [0.0, 5.0, 5.0]])
    x = np.array([0.0, 0.5, 2.0])
    same(tl.trapezoid(Tensor(y), x=Tensor(x)), np.trapezoid(y, x))
    same(tl.trapezoid(Tensor(y), Tensor(y), axis=0), np.trapezoid(y, y, axis=0))
    same(tl.trapezoid(Tensor(y), dx=0.25, axis=0), np.trapezoid(y, dx=0.25, axis=0))
    unsigned = Tensor(np.array([3, 1, 0], np.uint8))
    same(tl.trapezoid(unsigned, unsigned), np.trapezoid([3, 1, 0], [3, 1, 0]))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: tl.sum(x, dtype="complex64"), errors.DTypeError,
         "[sum] dtype='complex64' is not a dtype that tensors have. Pass one such as tl.float32."),
        (lambda x: tl.prod(x, dtype="f9"), errors.DTypeError,
         "[prod] dtype='f9' is not a dtype that tensors have. Pass one such as tl.float32."),
        (lambda x: tl.count_nonzero(x, axis=2), errors.AxisError,
         "[count_nonzero] axis 2 does not exist in shape (2, 3). Use an axis from -2 to 1."),
        (lambda x: tl.median(x, axis=2), errors.AxisError,
         "[median] axis=2 does not exist among 2 axes. Use one from -2 to 1."),
        (lambda x: tl.median(x[:0]), errors.ShapeError,
         "[median] shape (0, 3) has no elements. Of nothing there is none; check the shape."),
        (lambda x: tl.quantile(x[:0], 0.5, axis=0), errors.ShapeError,
         "[quantile] shape (0, 3) has no elements along axis 0. Of nothing there is none; check the"
         " shape."),
        (lambda x: tl.quantile(x, 1.5), errors.RangeError,
         "[quantile] q=1.5 is no share. Pass q from 0 to 1."),
        (lambda x: tl.percentile(x, (50, -1)), errors.RangeError,
         "[percentile] q=-1 is no share. Pass q from 0 to 100."),
        (lambda x: tl.quantile(x, "half"), errors.ArgumentError,
         "[quantile] q='half' is no number but a str. Pass a Python number or a tuple of them."),
        (lambda x: tl.quantile(x, 0.5, method="middle"), errors.RangeError,
         "[quantile] there is no method 'middle'. Use one of ['linear', 'lower', 'higher',"
         " 'nearest', 'midpoint']."),
        (lambda x: tl.ptp(x[:0]), errors.ShapeError,
         "[ptp] shape (0, 3) has no elements. Of nothing there is none; check the shape."),
        (lambda x: tl.aminmax(x, axis=2), errors.AxisError, "[aminmax] axis=2 does not exist"),
        (lambda x: tl.var_mean(x, axis=2), errors.AxisError, "[var_mean] axis=2 does not exist"),
        (lambda x: tl.std_mean(x, axis=2), errors.AxisError, "[std_mean] axis=2 does not exist"),
        (lambda x: tl.nansum(x, axis=2), errors.AxisError, "[nansum] axis=2 does not exist"),
        (lambda x: tl.nanprod(x, axis=2), errors.AxisError, "[nanprod] axis=2 does not exist"),
        (lambda x: tl.nanmax(x[:0]), errors.ShapeError, "[nanmax] shape (0, 3) has no elements."),
        (lambda x: tl.nanmean(x, axis=2), errors.AxisError, "[nanmean] axis=2 does not exist"),
        (lambda x: tl.average(x, weights=[1.0, 2.0]), errors.ShapeError,
         "[average] weights of shape (2,) do not fit shape (2, 3). They have the shape of x, or are"
         " 1-D and go along one axis=."),
        (lambda x: tl.average(x, axis=1, weights=[1.0, 2.0]), errors.ShapeError,
         "[average] 2 weights for axis 1 of shape (2, 3). Pass 3 of them."),
        (lambda x: tl.cov(x[None]), errors.ShapeError,
         "[cov] shape (1, 2, 3) has 3 axes. Pass one variable, or a matrix with a variable in each"
         " row."),
        (lambda x: tl.cov(x[:, :1]), errors.ShapeError,
         "[cov] 1 observations are too few. Pass more, or a smaller correction=."),
        (lambda x: tl.trapezoid(x, x=[1.0, 2.0]), errors.ShapeError,
         "[trapezoid] x of shape (2,) does not fit y of shape (2, 3) along axis 1. It has the shape"
         " of y, or is 1-D and as long as y along axis."),
        (lambda x: tl.softmin(x, axis=2), errors.AxisError,
         "[softmin] axis=2 does not exist among 2 axes. Use one from -2 to 1."),
    ],
)  # fmt: skip
def test_mistakes(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        call(Tensor(np.ones((2, 3))))


def test_the_spread_of_half_precision_does_not_overflow() -> None:
    """The variance would."""
    assert tl.std(Tensor([-400.0, 400.0], dtype=tl.float16)).item() == 400
