"""What ``t.data`` shows: NumPy's array, which says what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lesson import Tensor, errors


@pytest.fixture
def data():
    return Tensor([1.0, 2.0]).data


def test_a_write_says_what_to_write(data):
    with pytest.raises(errors.ReadOnlyError, match=r"with tl\.no_grad\(\): t\[index\] = value"):
        data[0] = 5


def test_it_is_a_view():
    t = Tensor([1.0, 2.0])
    assert np.shares_memory(t.data, t.raw)
    assert isinstance(t.data, np.ndarray)


@pytest.mark.parametrize(
    "compute",
    [
        lambda a: a + 1,
        lambda a: 2 * a,
        lambda a: np.exp(a),
        lambda a: a - a,
        lambda a: -a,
        lambda a: a @ np.ones((2, 2)),
    ],
)
def test_results_are_arrays_that_can_be_written(data, compute):
    result = compute(data)
    result[0] = 5
    assert data.tolist() == [1.0, 2.0]


COPIES = [
    lambda a: a.copy(),
    lambda a: a.astype(np.float64),
    lambda a: a[[0, 1]],
    np.copy,
    np.array,
]


@pytest.mark.parametrize("copy", COPIES[:3])
def test_copies_can_be_written(data, copy):
    result = copy(data)
    result[0] = 5
    assert result[0] == 5
    assert data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("copy", COPIES[:3])
def test_copies_change_in_place(data, copy):
    result = alias = copy(data)
    result += 1
    assert alias is result


@pytest.mark.parametrize("copy", COPIES[3:])
def test_numpys_copies_are_plain(data, copy):
    result = copy(data)
    result[0] = 5
    assert type(result) is np.ndarray
    assert data.tolist() == [1.0, 2.0]


def test_reductions_are_numbers(data):
    assert data.sum() == 3.0
    assert isinstance(data.max(), np.floating)
    assert isinstance(data[0], np.floating)


def test_in_place_operators_make_new_arrays(data):
    before = data
    for _ in range(1):
        data += 1
        data -= 1
        data *= 2
        data /= 2
        data **= 1
    assert data.tolist() == [1.0, 2.0]
    assert before.tolist() == [1.0, 2.0]
    assert data is not before


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_any_shape(shape):
    t = Tensor(np.ones(shape))
    assert t.data.shape == shape
    assert isinstance(t.data, np.ndarray)
    t.data = t.data * 2
    assert t.shape == shape


def test_arithmetic_keeps_the_dtype(data):
    assert (data * 2.0).dtype == data.dtype == np.float32
