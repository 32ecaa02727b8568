"""Scans: zeros among factors, sums of nothing but -inf, ties among records, long rows."""

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
from tinygrad_lesson import Tensor, autograd, errors, ops

from .support import along, derivatives, numeric_gradients, same, seeded


@pytest.mark.parametrize(
    "x", [[0.0, 2.0, 3.0], [2.0, 0.0, 3.0, 4.0], [0.0, 0.0, 5.0, 2.0], [1.0, 0.0, 2.0, 0.0, 3.0]]
)
def test_products_with_zeros_have_the_right_derivatives(x: list[float]) -> None:
    array = np.array(x)
    weights = np.arange(1.0, len(x) + 1)

    def total(arrays: Any) -> Any:
        return np.sum(weights * np.cumprod(arrays[0]))

    first, second = derivatives(lambda t: (tl.cumulative_prod(t) * Tensor(weights)).sum(), x)
    same(first, numeric_gradients(total, [array], [0])[0], 1e-9, 1e-9)
    ones = [np.ones(len(x))]
    expected = numeric_gradients(lambda xs: along(total, xs, ones, 1e-3), [array], [0], 1e-3)
    same(second, expected[0], 1e-6, 1e-6)


def test_third_derivative_of_a_product_with_zeros() -> None:
    x = Tensor([0.0, 2.0, 0.0, 5.0], requires_grad=True, dtype=tl.float64)
    first, second, third = Tensor(0.0), Tensor(0.0), Tensor(0.0)
    (first,) = autograd.grad(tl.cumulative_prod(x)[-1], [x], create_graph=True)
    (second,) = autograd.grad(first[0], [x], create_graph=True)
    (third,) = autograd.grad(second[2], [x])
    assert second.tolist() == [0.0, 0.0, 10.0, 0.0]
    assert third.tolist() == [0.0, 5.0, 0.0, 2.0]


def test_cumulative_logsumexp_neither_overflows_nor_loses_the_slope() -> None:
    x = [-1000.0, 0.0, 1000.0, 900.0, 2000.0]
    same(tl.cumulative_logsumexp(Tensor(x, dtype=tl.float64)), [-1000.0, 0.0, 1000, 1000, 2000])
    first, second = derivatives(lambda t: tl.cumulative_logsumexp(t).sum(), x)
    same(first, [1.0, 1.0, 2.0, 0.0, 1.0])
    same(second, np.zeros(5))


def test_cumulative_logsumexp_is_infinite_behind_infinity() -> None:
    x = Tensor([0.5, 1.0, math.inf, 2.0], dtype=tl.float64, requires_grad=True)
    with np.errstate(invalid="ignore"):
        tl.cumulative_logsumexp(x).backward(Tensor([1.0, 2.0, 3.0, 4.0], dtype=tl.float64))
    shares = np.exp([0.5, 1.0]) / np.exp([0.5, 1.0]).sum()
    same(x.grad, [1 + 2 * shares[0], 2 * shares[1], math.nan, 0.0])


def test_cumulative_logsumexp_of_nothing() -> None:
    x = [-math.inf, -math.inf, -1000.0, -1000.0]
    out = tl.cumulative_logsumexp(Tensor(x))
    same(out, [-math.inf, -math.inf, -1000.0, -1000.0 + math.log(2)], 1e-6)
    first, second = derivatives(lambda t: tl.cumulative_logsumexp(t).sum(), x)
    same(first, [0.0, 0.0, 1.5, 0.5])
    same(second, np.zeros(4))


@given(hnp.arrays(float, st.integers(1, 12), elements=st.floats(-50, 50)))
def test_cumulative_logsumexp_is_the_log_of_the_sums(x: np.ndarray) -> None:
    first, _ = derivatives(lambda t: tl.cumulative_logsumexp(t).sum(), x)
    expected, _ = derivatives(lambda t: tl.log(tl.cumulative_sum(tl.exp(t))).sum(), x)
    same(first, expected, 1e-8, 1e-12)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 5, 3)])
def test_the_two_directions_of_a_recurrence_are_adjoint(shape: Any, reverse: bool) -> None:
    rng = seeded(shape)
    x, y = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, shape)
    links = Tensor(rng.uniform(-1, 1, (*shape[:-1], shape[-1] - 1)))
    ax = ops.linear_recurrence(Tensor(x), links, reverse=reverse).numpy()
    aty = ops.linear_recurrence(Tensor(y), links, reverse=not reverse).numpy()
    same(np.sum(ax * y), np.sum(x * aty))


def test_the_sum_is_the_recurrence_with_ones() -> None:
    x = Tensor(seeded("ones").uniform(-1, 1, (3, 5)))
    same(ops.linear_recurrence(x, tl.ones(3, 4)), tl.cumsum(x, axis=1), 1e-12)


def test_the_first_of_equal_records_gets_the_gradient() -> None:
    first, _ = derivatives(lambda t: tl.cumulative_max(t).sum(), [2.0, 1.0, 2.0, 3.0, 3.0])
    assert first.tolist() == [3.0, 0.0, 0.0, 2.0, 0.0]
    assert tl.cumulative_argmin(Tensor([2, 1, 1, 3])).tolist() == [0, 1, 1, 1]


def test_nan_stays_the_record() -> None:
    x = Tensor([1.0, math.nan, 5.0, math.nan])
    assert tl.cumulative_argmax(x).tolist() == tl.cumulative_argmin(x).tolist() == [0, 1, 1, 1]


def test_long_sums_of_half_precision() -> None:
    """Single numbers of 1 cannot be counted beyond 2048 in half precision."""
    assert tl.cumsum(tl.ones(5000, dtype=tl.float16))[-1].item() == 5000
    assert tl.cumsum(tl.ones(5000, dtype=tl.float16), dtype=tl.float64).dtype == tl.float64


@pytest.mark.parametrize("op", [tl.cumsum, tl.cumprod])
def test_dtype_and_the_initial_element(op: Any) -> None:
    x = Tensor(np.array([2, 3], np.int8))
    assert op(x).dtype == tl.int64
    assert op(x, dtype=tl.int8).dtype == tl.int8
    assert op(x, include_initial=True).tolist() == [op is tl.cumprod, *op(x).tolist()]
    empty = Tensor(np.zeros((2, 0)))
    assert op(empty, axis=1, include_initial=True).shape == (2, 1)


def test_aliases_and_methods() -> None:
    x = Tensor([1.0, 2.0, 3.0])
    assert tl.cumsum is tl.cumulative_sum
    assert tl.cumprod is tl.cumulative_prod
    assert x.cumsum().tolist() == [1, 3, 6]
    assert x.cumprod().tolist() == [1, 2, 6]
    assert x.diff().tolist() == [1, 1]
    assert x.diff(n=10**30).shape == (0,)


@given(hnp.arrays(float, hnp.array_shapes(max_dims=3, max_side=5), elements=st.floats(-9, 9)),
       st.data())  # fmt: skip
def test_diff_undoes_the_sum(x: np.ndarray, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    sums = tl.cumulative_sum(Tensor(x), axis=axis, include_initial=True)
    same(tl.diff(sums, axis=axis), x, 1e-9, 1e-9)


@pytest.mark.parametrize(
    "given",
    [
        {"prepend": 0}, {"append": 9.5}, {"prepend": np.ones((2, 2)), "append": np.zeros((2, 1))},
        {"axis": 0, "prepend": 1, "n": 2}, {"n": 5},
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64])
def test_diff_with_ends(given: dict[str, Any], dtype: Any) -> None:
    x = np.array([[1, 4, 9], [2, 3, 5]], dtype)
    expected = np.diff(x, **given)
    found = tl.diff(Tensor(x), **given)
    same(found, expected)
    if dtype != np.float32:  # beside which NumPy's numbers are float64
        assert found.dtype == expected.dtype
    assert dtype != np.float32 or {"prepend", "append"} <= set(given) or found.dtype == dtype


def test_diff_of_booleans_says_where_they_change() -> None:
    assert tl.diff(Tensor([True, True, False])).tolist() == [False, True]


def test_the_gradient_reaches_the_ends() -> None:
    x, before = Tensor([1.0, 4.0], requires_grad=True), Tensor(2.0, requires_grad=True)
    (tl.diff(x, prepend=before) * Tensor([5.0, 7.0])).sum().backward()
    assert before.grad.item() == -5
    assert x.grad.tolist() == [-2, 7]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: tl.cumsum(x), errors.ArgumentError,
         "[cumulative_sum] shape (2, 3) is not 1-D. Pass axis=, or flatten it first."),
        (lambda x: tl.cumsum(x[0, 0]), errors.ArgumentError,
         "[cumulative_sum] shape () is not 1-D. Give it an axis: x.reshape(1)."),
        (lambda x: tl.cumprod(x, axis=2), errors.AxisError,
         "[cumulative_prod] axis 2 does not exist in shape (2, 3). Use an axis from -2 to 1."),
        (lambda x: tl.cumsum(x, axis=0, dtype="complex64"), errors.DTypeError,
         "[cumulative_sum] dtype='complex64' is not a dtype that tensors have. Pass one such as"
         " tl.float32."),
        (lambda x: tl.cumulative_max(x), errors.ArgumentError,
         "[cumulative_max] shape (2, 3) is not 1-D. Pass axis=, or flatten it first."),
        (lambda x: tl.cumulative_min(x, axis=2), errors.AxisError,
         "[cumulative_min] axis 2 does not exist in shape (2, 3). Use an axis from -2 to 1."),
        (lambda x: ops.linear_recurrence(x, x), errors.ShapeError,
         "[linear_recurrence] links of shape (2, 3) do not fit shape (2, 3) along axis -1. They"
         " have the same shape, but are shorter by one along that axis."),
        (lambda x: tl.diff(x, n=-1), errors.RangeError, "[diff] n=-1 is negative. Pass n >= 0."),
        (lambda x: tl.diff(x, axis=2), errors.AxisError,
         "[diff] axis=2 does not exist among 2 axes. Use one from -2 to 1."),
        (lambda x: tl.diff(x, append=x[:, None]), errors.ShapeError, "[diff] shapes"),
    ],
)  # fmt: skip
def test_mistakes(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        call(Tensor(np.ones((2, 3))))
