"""Sorting and searching: ties, NaN, and which element gets the gradient."""

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

FEW_VALUES = hnp.arrays(
    np.int64, hnp.array_shapes(max_dims=3, max_side=6), elements=st.integers(0, 3)
)
"""Arrays with many ties."""


def in_order(row: Any, descending: bool) -> list[int]:
    """The numbers of the elements, sorted by Python, which keeps the order of equals."""
    return sorted(range(len(row)), key=lambda i: -row[i] if descending else row[i])


@given(FEW_VALUES, st.booleans(), st.data())
def test_equal_numbers_keep_their_order(x: Any, descending: bool, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    found = tl.argsort(Tensor(x), axis=axis, descending=descending).numpy()
    expected = np.apply_along_axis(in_order, axis, x, descending)
    assert found.tolist() == expected.tolist()
    values = tl.sort(Tensor(x), axis=axis, descending=descending).numpy()
    assert values.tolist() == np.take_along_axis(x, expected, axis).tolist()


@given(FEW_VALUES, st.booleans(), st.data())
def test_topk_takes_the_first_of_equals(x: Any, largest: bool, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    k = data.draw(st.integers(0, x.shape[axis]))
    values, indices = tl.topk(Tensor(x), k, axis=axis, largest=largest)
    expected = np.take(np.apply_along_axis(in_order, axis, x, largest), np.arange(k), axis)
    assert indices.tolist() == expected.tolist()
    assert values.tolist() == np.take_along_axis(x, expected, axis).tolist()


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_a_few_of_many(k: int, largest: bool) -> None:
    """Few are chosen without sorting all; the result is the same."""
    x = np.random.default_rng(0).integers(0, 40, (5, 200))
    expected = np.apply_along_axis(in_order, 1, x, largest)[:, :k]
    assert tl.topk(Tensor(x), k, largest=largest).indices.tolist() == expected.tolist()
    _, unsorted = tl.topk(Tensor(x), k, largest=largest, sorted=False)
    assert np.sort(unsorted.numpy()).tolist() == np.sort(expected).tolist()
    smallest = tl.kthvalue(Tensor(x), k)
    assert smallest.values.tolist() == np.sort(x, axis=1)[:, k - 1].tolist()


@pytest.mark.parametrize("count", [4, 100])
def test_nan_is_larger_than_every_number(count: int) -> None:
    x = np.arange(float(count))
    x[[1, 3]] = math.nan
    values, indices = tl.topk(Tensor(x), 3)
    same(values, [math.nan, math.nan, count - 1 if count > 4 else 2])
    assert indices.tolist()[:2] == [1, 3]
    assert tl.topk(Tensor(x), 1, largest=False).indices.tolist() == [0]
    same(tl.sort(Tensor(x)), np.sort(x))
    same(tl.sort(Tensor(x), descending=True), np.sort(x)[::-1])


def test_the_gradient_goes_where_the_stable_sort_put_it() -> None:
    x, c = [2.0, 1.0, 2.0, 1.0], Tensor([1.0, 2.0, 3.0, 4.0])
    assert derivatives(lambda t: (tl.sort(t) * c).sum(), x)[0].tolist() == [3, 1, 4, 2]
    descending = derivatives(lambda t: (tl.sort(t, descending=True) * c).sum(), x)[0]
    assert descending.tolist() == [1, 3, 2, 4]
    topk = derivatives(lambda t: (tl.topk(t, 3).values * c[:3]).sum(), x)[0]
    assert topk.tolist() == [1, 3, 2, 0]


def test_results_have_names() -> None:
    for function in (tl.sort_with_indices, lambda x: tl.topk(x, 2), lambda x: tl.kthvalue(x, 1)):
        found = function(Tensor([3.0, 1.0, 2.0]))
        assert found._fields == ("values", "indices")
        assert found.values is found[0]
        assert found.indices.dtype == tl.int64


def test_the_method_returns_a_sorted_copy() -> None:
    t = Tensor([3.0, 1.0])
    assert t.sort().tolist() == [1.0, 3.0]
    assert t.tolist() == [3.0, 1.0]


@given(
    hnp.arrays(float, st.integers(0, 9), elements=st.integers(0, 5).map(float)),
    hnp.arrays(float, hnp.array_shapes(max_dims=2, max_side=4), elements=st.floats(-1, 6)),
    st.sampled_from(["left", "right"]),
)
def test_searchsorted(x1: np.ndarray, x2: np.ndarray, side: str) -> None:
    order = np.argsort(x1, kind="stable")
    expected = np.searchsorted(x1, x2, side, order)
    assert tl.searchsorted(Tensor(np.sort(x1)), Tensor(x2), side).tolist() == expected.tolist()
    found = tl.searchsorted(Tensor(x1), Tensor(x2), side=side, sorter=Tensor(order))
    assert found.tolist() == expected.tolist()


def test_nonzero_of_nothing() -> None:
    assert [found.tolist() for found in tl.nonzero(tl.zeros(2, 3))] == [[], []]
    assert tl.argwhere(tl.zeros(2, 3)).shape == (0, 2)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: tl.sort(x, axis=2), errors.AxisError,
         "[sort] axis 2 does not exist in shape (2, 3). Use an axis from -2 to 1."),
        (lambda x: tl.argsort(x[0, 0]), errors.AxisError,
         "[argsort] axis -1 does not exist in shape ()."),
        (lambda x: tl.sort_with_indices(x, axis=2), errors.AxisError,
         "[sort_with_indices] axis=2 does not exist among 2 axes. Use one from -2 to 1."),
        (lambda x: tl.topk(x, 4), errors.RangeError,
         "[topk] k=4 of the 3 elements along axis 1 of shape (2, 3). Pass a k from 0 to 3."),
        (lambda x: tl.topk(x, 1.0), errors.ArgumentError,
         "[topk] k=1.0 is no integer but a float. Pass 1."),
        (lambda x: tl.kthvalue(x, 0), errors.RangeError,
         "[kthvalue] k=0 of the 3 elements along axis 1 of shape (2, 3). Pass a k from 1 to 3."),
        (lambda x: tl.kthvalue(x[:0], 1, axis=0), errors.RangeError,
         "[kthvalue] k=1 of the 0 elements along axis 0 of shape (0, 3). There is nothing to choose"
         " from; check the shape."),
        (lambda x: tl.searchsorted(x, x), errors.ShapeError,
         "[searchsorted] x1 of shape (2, 3) is not 1-D. Only one sorted row can be searched."),
        (lambda x: tl.searchsorted(x[0], x, "middle"), errors.RangeError,
         "[searchsorted] there is no side 'middle'. Pass \"left\" or \"right\"."),
        (lambda x: tl.nonzero(x[0, 0]), errors.ShapeError,
         "[nonzero] a single number has no axes. Use x != 0."),
    ],
)  # fmt: skip
def test_mistakes(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        call(Tensor(np.ones((2, 3))))
