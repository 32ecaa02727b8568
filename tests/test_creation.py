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
        (lambda: tl.linspace(0, 1, 4, endpoint=False), np.arange(4, dtype=np.float32) / 4),
        (lambda: tl.logspace(-1, 2, 4), np.logspace(-1, 2, 4, dtype=np.float32)),
        (
            lambda: tl.logspace(0, 4, 4, base=2, endpoint=False, dtype=tl.float64),
            np.array([1.0, 2.0, 4.0, 8.0]),
        ),
        (lambda: tl.geomspace(2, 16, 4), np.geomspace(2, 16, 4, dtype=np.float32)),
        (
            lambda: tl.geomspace(-1.0, -16.0, 4, endpoint=False),
            -(2.0 ** np.arange(4.0)).astype("f"),
        ),
        (lambda: tl.zeros(shape=(2, 3)), np.zeros((2, 3), np.float32)),
        (lambda: tl.ones(shape=2), np.ones(2, np.float32)),
        (lambda: tl.zeros(shape=()), np.zeros((), np.float32)),
        (lambda: tl.empty(2, 3), np.zeros((2, 3), np.float32)),
        (lambda: tl.empty(shape=[2], dtype=tl.int8), np.zeros(2, np.int8)),
        (lambda: tl.eye(3, k=1), np.eye(3, k=1, dtype=np.float32)),
        (lambda: tl.eye(2, 3, k=-1, dtype=tl.int64), np.eye(2, 3, -1, np.int64)),
        (lambda: tl.zeros(2, device="cpu"), np.zeros(2, np.float32)),
        (lambda: tl.asarray([1, 2.5]), np.array([1, 2.5], np.float32)),
        (lambda: tl.asarray(3), np.array(3)),
        (lambda: tl.asarray([1, 2], dtype=tl.float64), np.array([1.0, 2.0])),
        (lambda: tl.asarray(np.ones(2), tl.float32), np.ones(2, np.float32)),
    ],
)
def test_creation(made, expected):
    t = made()
    same(t, expected)
    assert t.dtype == expected.dtype
    assert not t.requires_grad


@pytest.mark.parametrize("function", [tl.zeros, tl.ones, tl.empty])
def test_requires_grad(function):
    assert function((2,), requires_grad=True).requires_grad
    assert tl.arange(2.0, requires_grad=True).requires_grad
    assert tl.linspace(0, 1, 2, requires_grad=True).requires_grad
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
        (lambda: tl.eye(-1), RangeError, "[eye] n_rows=-1 is negative. Pass n_rows >= 0."),
        (lambda: tl.eye(2, -1), RangeError, "[eye] n_cols=-1 is negative."),
        (lambda: tl.eye(2.0), ArgumentError, "[eye] n_rows=2.0 is no integer but a float. Pass 2."),
        (lambda: tl.eye(2, k=0.5), ArgumentError, "[eye] k=0.5 is no integer but a float."),
        (
            lambda: tl.zeros(2, shape=3),
            ArgumentError,
            "[zeros] the shape is given twice. Call zeros(shape=...).",
        ),
        (
            lambda: tl.zeros(2, device="cuda"),
            RangeError,
            "[zeros] there is no device 'cuda'. Tensors are on the \"cpu\"; leave it out.",
        ),
        (
            lambda: tl.zeros(2, dtype=complex),
            DTypeError,
            "[zeros] numbers of type complex128 are not supported. Use booleans, integers or",
        ),
        (
            lambda: tl.linspace(0, tl.Tensor(1.0, requires_grad=True), 3),
            ArgumentError,
            "[linspace] the history of stop would be lost. Pass stop.item(), or detach() it.",
        ),
        (
            lambda: tl.arange(tl.Tensor(3.0, requires_grad=True)),
            ArgumentError,
            "[arange] the history of start would be lost.",
        ),
        (
            lambda: tl.asarray([1.0, 2.0], copy=False),
            RangeError,
            "[asarray] a list becomes a tensor only in a copy. Leave out copy=False.",
        ),
        (
            lambda: tl.asarray(np.ones(2), tl.float32, copy=False),
            RangeError,
            "[asarray] float64 becomes float32 only in a copy. Leave out copy=False.",
        ),
        (
            lambda: tl.asarray(tl.Tensor([1.0]), tl.float64, copy=False),
            RangeError,
            "[asarray] float32 becomes float64 only in a copy.",
        ),
        (
            lambda: tl.asarray([tl.Tensor(1.0)]),
            ArgumentError,
            "[Tensor] a list of tensors would lose their history.",
        ),
        (lambda: tl.asarray(np.ones(2, complex), copy=False), DTypeError, "[asarray] numbers of"),
        (lambda: tl.asarray(1, dtype="foo"), DTypeError, "[asarray] 'foo' is not a dtype."),
        (
            lambda: tl.full_like(tl.Tensor([1, 2]), 2.5),
            DTypeError,
            "[full_like] 2.5 does not fit into the int64 of the other tensor. Say which dtype it"
            " shall be, as in dtype=tl.float32.",
        ),
        (
            lambda: tl.full_like(tl.Tensor([True]), 2),
            DTypeError,
            "[full_like] 2 does not fit into the bool of the other tensor.",
        ),
        (
            lambda: tl.zeros_like(tl.Tensor(1.0), dtype="foo"),
            DTypeError,
            "[zeros_like] 'foo' is not a dtype.",
        ),
        (lambda: tl.eye(3, dtype="foo"), DTypeError, "[eye] 'foo' is not a dtype."),
        (lambda: tl.linspace(0, 1, -1), RangeError, "[linspace] num=-1 is negative."),
        (lambda: tl.linspace(0, 1, 2.5), ArgumentError, "[linspace] num=2.5 is no integer"),
        (lambda: tl.linspace("0", 1, 2), ArgumentError, "[linspace] start is a str, not a number."),
        (lambda: tl.linspace(0, 1, 2, dtype="foo"), DTypeError, "[linspace] 'foo' is not a dtype."),
        (lambda: tl.geomspace(-1, 1, 3), RangeError, "[geomspace] from -1 to 1 leads over zero."),
        (lambda: tl.geomspace(1, 4, -1), RangeError, "[geomspace] num=-1 is negative."),
        (lambda: tl.logspace(0, 1, 3, base=0), RangeError, "[logspace] base=0 has no logarithm."),
        (lambda: tl.logspace("0", 1, 3), ArgumentError, "[logspace] start is a str, not a"),
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


# ---- from other arrays -------------------------------------------------------------------


def test_asarray_of_a_tensor_is_the_tensor():
    x = tl.Tensor([1.0, 2.0], requires_grad=True)
    assert tl.asarray(x) is x
    assert tl.asarray(x, dtype=tl.float32, copy=False) is x


@pytest.mark.parametrize("arguments", [{"copy": True}, {"dtype": tl.float64}])
def test_asarray_of_a_tensor_keeps_the_history(arguments):
    x = tl.Tensor([1.0, 2.0], requires_grad=True)
    y = tl.asarray(x, **arguments)
    assert y is not x
    assert not np.shares_memory(x.raw, y.raw)
    (y * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    assert x.grad.dtype == tl.float32


def test_asarray_copies_unless_sharing_is_asked_for():
    array = np.array([1.0, 2.0])
    copied, again = tl.asarray(array), tl.asarray(array, copy=True)
    shared = tl.asarray(array, copy=False)
    array[0] = 5.0
    assert copied.tolist() == again.tolist() == [1.0, 2.0]
    assert shared.tolist() == [5.0, 2.0]


def test_like_another_with_a_dtype():
    x = tl.Tensor([[1, 2]])
    assert tl.zeros_like(x, dtype=tl.float32).dtype == tl.float32
    assert tl.full_like(x, 2.5, dtype=tl.float64).tolist() == [[2.5, 2.5]]
    assert tl.full_like(x, np.int64(3)).tolist() == [[3, 3]]
    assert tl.full_like(x, True).dtype == tl.int64


def test_a_constant_has_no_history():
    x = tl.Tensor([1.0], requires_grad=True)
    for made in (tl.zeros_like(x), tl.ones_like(x), tl.empty_like(x), tl.full_like(x, 2.0)):
        assert not made.requires_grad
