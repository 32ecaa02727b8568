"""Tensors made from a shape."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.errors import ArgumentError, DTypeError, RangeError, ShapeError

from .support import same


@pytest.fixture
def double_precision():
    tl.set_default_dtype(tl.float64)
    yield
    tl.set_default_dtype(tl.float32)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: tl.zeros((2, 3)), np.zeros((2, 3), np.float32)),
        (lambda: tl.zeros(2, 3), np.zeros((2, 3), np.float32)),
        (lambda: tl.zeros([2, 3]), np.zeros((2, 3), np.float32)),
        (lambda: tl.zeros(), np.zeros((), np.float32)),
        (lambda: tl.ones(np.int64(2), 0), np.ones((2, 0), np.float32)),
        (lambda: tl.zeros(3), np.zeros(3, np.float32)),
        (lambda: tl.ones((2,), dtype=tl.int64), np.ones(2, np.int64)),
        (lambda: tl.full((2,), 2.5), np.full(2, 2.5, np.float32)),
        (lambda: tl.full((2,), 2), np.full(2, 2)),
        (lambda: tl.full((2,), 2, dtype=tl.float64), np.full(2, 2.0)),
        (lambda: tl.full((), True), np.array(True)),
        (lambda: tl.eye(2), np.eye(2, dtype=np.float32)),
        (lambda: tl.eye(2, 3), np.eye(2, 3, dtype=np.float32)),
        (lambda: tl.arange(3), np.arange(3)),
        (lambda: tl.arange(1, 7, 2), np.arange(1, 7, 2)),
        (lambda: tl.arange(5, 2, -1), np.arange(5, 2, -1)),
        (lambda: tl.arange(0.0, 1.0, 0.25), np.arange(0, 1, 0.25, np.float32)),
        (lambda: tl.arange(3, dtype=tl.float32), np.arange(3, dtype=np.float32)),
        (lambda: tl.linspace(0, 1, 5), np.linspace(0, 1, 5, dtype=np.float32)),
    ],
)
def test_creation(made, expected):
    t = made()
    same(t, expected)
    assert t.dtype == expected.dtype
    assert not t.requires_grad


@pytest.mark.parametrize("function", [tl.zeros, tl.ones])
def test_requires_grad(function):
    assert function((2,), requires_grad=True).requires_grad
    assert tl.full((2,), 1.0, requires_grad=True).requires_grad
    assert tl.eye(2, requires_grad=True).requires_grad


def test_full_of_a_tensor_with_a_history_is_refused():
    with pytest.raises(TypeError, match="broadcast_to"):
        tl.full((2,), tl.Tensor(1.0, requires_grad=True))


@pytest.mark.usefixtures("double_precision")
def test_the_default_dtype_is_used():
    made = [tl.zeros(2), tl.ones(2), tl.full(2, 1.0), tl.eye(2), tl.linspace(0, 1, 2)]
    made += [tl.arange(0.0, 1.0, 0.5), tl.rand(2), tl.randn(2)]
    assert {t.dtype for t in made} == {tl.float64}


def test_integers_stay_integers_of_any_size():
    assert tl.arange(3).dtype == tl.int64
    assert tl.full((1,), 2**62).tolist() == [2**62]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: tl.zeros(2, -3),
            ShapeError,
            "[zeros] shape (2, -3) has a negative length. Lengths are 0 or more.",
        ),
        (
            lambda: tl.ones(2.5),
            ArgumentError,
            "[ones] shape (2.5,) has lengths that are no integers."
            " Pass integers; dtype and the like go by name.",
        ),
        (lambda: tl.full((-1,), 0), ShapeError, "[full] shape (-1,) has a negative length."),
        (lambda: tl.full(2, [1, 2]), ShapeError, "[full] fill_value has shape (2,)."),
        (lambda: tl.full(2, 1, dtype="foo"), DTypeError, "[full] 'foo' is not a dtype."),
        (lambda: tl.zeros(2, dtype="foo"), DTypeError, "[zeros] 'foo' is not a dtype."),
        (lambda: tl.eye(-1), RangeError, "[eye] n=-1 is negative. Pass n >= 0."),
        (lambda: tl.eye(2, -1), RangeError, "[eye] m=-1 is negative."),
        (lambda: tl.eye(2.0), ArgumentError, "[eye] n=2.0 is no integer but a float. Pass 2."),
        (lambda: tl.eye(3, dtype="foo"), DTypeError, "[eye] 'foo' is not a dtype."),
        (lambda: tl.linspace(0, 1, -1), RangeError, "[linspace] num=-1 is negative."),
        (lambda: tl.linspace(0, 1, 2.5), ArgumentError, "[linspace] num=2.5 is no integer"),
        (lambda: tl.linspace("0", 1, 2), ArgumentError, "[linspace] start is a str, not a number."),
        (lambda: tl.linspace(0, 1, 2, dtype="foo"), DTypeError, "[linspace] 'foo' is not a dtype."),
        (lambda: tl.arange(0, 1, 0), RangeError, "[arange] step=0 never arrives."),
        (lambda: tl.arange(float("inf")), RangeError, "[arange] start=inf is not finite."),
        (lambda: tl.arange([1, 2]), ArgumentError, "[arange] start is a list, not a number."),
        (lambda: tl.arange(3, dtype="foo"), DTypeError, "[arange] 'foo' is not a dtype."),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_a_tensor_of_one_number_may_be_a_bound():
    assert tl.arange(tl.Tensor(3)).tolist() == [0, 1, 2]
    assert tl.linspace(np.float32(0), tl.Tensor(1.0), 2).tolist() == [0.0, 1.0]
