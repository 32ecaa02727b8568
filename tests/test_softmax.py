"""The softmax and its like at the extremes, and along short and long, plain and strided rows."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor

from .support import derivatives, same, seeded

kernels: Any = importlib.import_module("tinygrad_lesson.arrays.numpy.softmax")

ORACLES = {
    tl.softmax: scipy.special.softmax,
    tl.log_softmax: scipy.special.log_softmax,
    tl.logsumexp: scipy.special.logsumexp,
}


@pytest.mark.parametrize("op", ORACLES)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("width", [1, 2, 64, 1024, 1025])
@pytest.mark.parametrize("scale", [1, 29, 31, 1000])
def test_rows_of_every_kind(op: Any, axis: int, width: int, scale: float) -> None:
    x = seeded(width).uniform(-scale, scale, (3, width))
    for array in (x, x - 2 * scale, np.asfortranarray(x), x[:, ::-1]):
        same(op(Tensor.lift(array), axis=axis), ORACLES[op](array, axis=axis), 1e-11, 1e-13)


@pytest.mark.parametrize("op", ORACLES)
@pytest.mark.parametrize("value", [-1e300, -800.0, 800.0, 1e300])
def test_large_numbers_neither_overflow_nor_vanish(op: Any, value: float) -> None:
    x = np.array([[value, value - 1e-3 * abs(value)], [0.0, 0.0]])
    same(op(Tensor(x), axis=1), ORACLES[op](x, axis=1))


def test_one_low_row_among_usual_ones() -> None:
    """Its exponentials vanish in single precision, unless it is shifted."""
    x = np.array([[0.0, 1.0], [-200.0, -201.0]], np.float32)
    same(tl.softmax(Tensor(x)), scipy.special.softmax(x.astype(float), axis=1), 1e-6)


def test_masked_elements_have_no_share_and_no_gradient() -> None:
    x = [0.5, -math.inf, 1.0]
    first, second = derivatives(lambda t: tl.softmax(t)[0], x)
    assert first[1] == second[1] == 0
    assert np.isfinite([*first, *second]).all()


@pytest.mark.parametrize("x", [[-math.inf], [-math.inf, -math.inf]])
def test_the_logsumexp_of_nothing(x: list[float]) -> None:
    assert tl.logsumexp(Tensor(x)).item() == -math.inf
    first, second = derivatives(tl.logsumexp, x)
    same(first, np.zeros(len(x)))
    same(second, np.zeros(len(x)))


@pytest.mark.parametrize("axis", [0, 1])
def test_along_an_empty_axis(axis: int) -> None:
    x = Tensor(np.zeros((0, 3) if axis == 0 else (3, 0)), requires_grad=True)
    found = tl.logsumexp(x, axis=axis)
    same(found, np.full(3, -math.inf))  # as in SciPy and PyTorch
    found.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == tl.softmax(x, axis=axis).shape == x.shape
    assert tl.log_softmax(x, axis=axis).shape == x.shape


def test_a_row_of_nothing_does_not_spoil_the_others() -> None:
    x = [[-math.inf, -math.inf], [0.0, -math.inf]]
    first, _ = derivatives(lambda t: tl.logsumexp(t, axis=1)[1], x)
    same(first, [[0.0, 0.0], [1.0, 0.0]])


def test_log_softmax_is_accurate_where_one_takes_all() -> None:
    x = np.array([40.0, 20.0, 0.0], np.float32)
    same(tl.log_softmax(Tensor(x)), scipy.special.log_softmax(x.astype(float)), 1e-6, 1e-8)


@pytest.mark.parametrize("op", ORACLES)
def test_exponentials_whose_sum_overflows(op: Any) -> None:
    x = np.full((2, 64), 88.5, np.float32)
    same(op(Tensor(x), axis=-1), ORACLES[op](x.astype(float), axis=-1), 1e-6)


@pytest.mark.parametrize("width", [17, 64, 256])
@pytest.mark.parametrize("lead", [0, 7, 12, 25])
@pytest.mark.parametrize("offset", [-20, 0])
def test_log_softmax_of_many_short_rows(
    width: int, lead: float, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their maxima are not looked for; it is as exact as with them."""
    x = seeded("short", width).normal(offset, 1, (1 + kernels.MANY // width, width))
    x[::2, 3] += lead
    x[:, 7] = -math.inf
    x = x.astype(np.float32)
    exact = scipy.special.log_softmax(x.astype(float), axis=-1)
    fewer = len(x) - 2
    usual = tl.log_softmax(Tensor(x[:fewer])).numpy()
    monkeypatch.setattr(kernels, "_tops", None)
    out = tl.log_softmax(Tensor(x)).numpy()
    assert out.dtype == np.float32
    assert (out <= 0).all()
    for least in -100, -1e-6:  # all, and those that take all
        meant = exact[:fewer] > least
        off, allowed = (
            abs(found[:fewer][meant] - exact[:fewer][meant]).max(initial=0)
            for found in (out, usual)
        )
        assert off <= 2 * allowed + 3e-8
    same(np.exp(out), np.exp(exact), 4e-6, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, 100.0])
def test_many_short_rows_with_an_unusual_one(value: float) -> None:
    x = seeded("unusual").normal(size=(kernels.MANY // 64, 64)).astype(np.float32)
    x[5, 6] = value
    with np.errstate(invalid="ignore"):
        same(tl.log_softmax(Tensor(x)), tl.log_softmax(Tensor(x.astype(float))), 2e-7, 3e-7)


@pytest.mark.parametrize("op", ORACLES)
@pytest.mark.parametrize("shape", [(64, 512), (65, 515), (3, 5, 4095), (9, 4096), (8, 4097)])
def test_many_rows_of_middle_length(op: Any, shape: tuple[int, ...]) -> None:
    """NumPy's buffer is as long as one of them, and as it was afterwards."""
    x = seeded("rows", shape).uniform(-3, 3, shape)
    before = np.getbufsize()
    for array in (x, 20 * x):
        ours = Tensor(array, requires_grad=True)
        out = op(ours, axis=-1)
        same(out, ORACLES[op](array, axis=-1), 1e-11, 1e-13)
        out.backward(np.ones(out.shape))
        p = scipy.special.softmax(array, axis=-1)
        slope = {tl.softmax: 0 * p, tl.log_softmax: 1 - shape[-1] * p, tl.logsumexp: p}[op]
        same(ours.grad, slope, 1e-9, 1e-12)
    assert np.getbufsize() == before


@given(hnp.arrays(np.float32, (2, 5), elements=st.floats(-80, 80, width=32)))
def test_shares_add_up_to_one(x: np.ndarray) -> None:
    shares = tl.softmax(Tensor(x)).numpy()
    assert shares.dtype == np.float32
    assert (shares >= 0).all()
    same(shares.sum(1), [1, 1], 1e-6)
    logs = tl.log_softmax(Tensor(x)).numpy()
    same(np.log(shares.clip(1e-25)), logs.clip(np.log(1e-25)), 1e-5, 1e-5)


def test_half_precision_is_found_in_single() -> None:
    x = np.full(4096, 1.0, np.float16)
    shares = tl.softmax(Tensor(x))
    assert shares.dtype == tl.float16
    same(shares, np.full(4096, 1 / 4096))
    assert tl.logsumexp(Tensor(x)).item() == np.float16(1 + math.log(4096))


def test_softmin_of_unsigned_numbers() -> None:
    same(tl.softmin(Tensor(np.array([0, 1], np.uint8))), scipy.special.softmax([0.0, -1.0]))
