"""NumPy's functions on a Tensor are our ops; what has no op is refused with a remedy."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors
from tinygrad_lesson.protocols import FUNCTIONS, UFUNCS

from .support import same


@pytest.fixture
def x():
    return Tensor(np.array([[0.25, 0.5], [0.75, 1.0]]), requires_grad=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda np_like, x: np_like.exp(x),
        lambda np_like, x: np_like.sum(x, axis=0),
        lambda np_like, x: np_like.mean(x, axis=1, keepdims=True),
        lambda np_like, x: np_like.add(x, 2.0),
        lambda np_like, x: np_like.matmul(x, x),
        lambda np_like, x: np_like.reshape(x, (4,)),
        lambda np_like, x: np_like.concat([x, x], axis=1),
        lambda np_like, x: np_like.stack([x, x]),
        lambda np_like, x: np_like.clip(x, 0.3, 0.8),
        lambda np_like, x: np_like.max(x, axis=-1),
        lambda np_like, x: np_like.std(x),
        lambda np_like, x: np_like.permute_dims(x, (1, 0)),
        lambda np_like, x: np_like.take(x, np.array([1, 0]), axis=0),
        lambda np_like, x: np_like.where(x > 0.4, x, 0.0),
        lambda np_like, x: np_like.squeeze(np_like.expand_dims(x, axis=1)),
        lambda np_like, x: np_like.flip(x, axis=0),
        lambda np_like, x: np_like.broadcast_to(x, (3, 2, 2)),
        lambda np_like, x: np_like.prod(x),
    ],
)
def test_numpys_function_on_a_tensor_is_recorded(x, call):
    result = call(np, x)
    assert isinstance(result, Tensor)
    assert result.requires_grad
    same(result, call(np, x.numpy()))
    same(result, call(tl, x))


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_every_ufunc_in_the_table(ufunc):
    on_booleans = ufunc.__name__.startswith(("logical", "bitwise", "invert"))
    kind = bool if on_booleans else float
    inputs = [np.array([0.25, 0.5]).astype(kind)] * ufunc.nin
    if ufunc is np.matmul:
        inputs = [np.eye(2)] * 2
    same(ufunc(*map(Tensor, inputs)), ufunc(*inputs))


def test_the_tables_hold_what_numpy_has():
    assert {"exp", "tanh", "matmul", "maximum", "negative", "greater"} <= {
        f.__name__ for f in UFUNCS
    }
    assert {"sum", "where", "clip", "stack"} <= {f.__name__ for f in FUNCTIONS}


def test_an_array_on_the_left_of_an_operator(x):
    for result in (np.ones(2) * x, np.ones(2) - x, np.ones((2, 2)) @ x, np.float64(2.0) / x):
        assert isinstance(result, Tensor)
        assert result.requires_grad
    assert isinstance(np.ones(2) < x, Tensor)


def test_an_array_in_place_with_a_tensor_is_refused(x):
    """``array += t`` would drop the history of `t`."""
    array = np.ones((2, 2))
    with pytest.raises(TypeError):
        array += x
    assert array.tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.linalg.svd(x), "np.svd"),
        (lambda x: np.arctan(x), "np.arctan"),
        (lambda x: np.add.reduce(x), "np.add.reduce"),
        (lambda x: np.exp(x, out=np.zeros((2, 2))), "np.exp"),
        (lambda x: np.sum(x, out=np.zeros(())), "np.sum"),
        (lambda x: np.exp(x, where=np.array(True)), "np.exp"),
        (lambda x: np.median(x), "np.median"),
    ],
)
def test_what_has_no_op_is_refused_by_name(x, call, name):
    with pytest.raises(errors.ArgumentError, match=rf"\[{name}\]"):
        call(x)


def test_asarray_does_not_copy_and_cannot_be_written(x):
    array = np.asarray(x)
    assert type(array) is np.ndarray
    assert np.shares_memory(array, x.raw)
    assert not array.flags.writeable


def test_asarray_with_copy_false():
    t = Tensor([1.0, 2.0])
    assert np.shares_memory(np.asarray(t, copy=False), t.raw)


def test_a_conversion_that_must_not_copy_is_refused():
    with pytest.raises(ValueError, match="copy"):
        np.asarray(Tensor([1.0, 2.0]), dtype=np.float64, copy=False)


def test_dlpack_both_ways():
    t = Tensor([1.0, 2.0])
    array = np.from_dlpack(t)
    assert array.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 5.0
    assert Tensor(np.from_dlpack(np.array([3.0]))).tolist() == [3.0]


def test_plotting_and_printing_see_an_array(x):
    assert np.array2string(np.asarray(x)).startswith("[[0.25")
    assert np.testing.assert_allclose(x.detach().numpy(), x.numpy()) is None
