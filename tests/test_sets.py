"""The different elements of a tensor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor

from .support import same

FUNCTIONS = (tl.unique_all, tl.unique_counts, tl.unique_inverse, tl.unique_values)


def fields(result):
    """The results by name."""
    return result._asdict() if hasattr(result, "_asdict") else {"values": result}


def test_the_fields_are_the_standards():
    assert [list(fields(function(Tensor([3, 1, 3])))) for function in FUNCTIONS] == [
        ["values", "indices", "inverse_indices", "counts"],
        ["values", "counts"],
        ["values", "inverse_indices"],
        ["values"],
    ]


@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
                  elements={"min_value": -3, "max_value": 3}))  # fmt: skip
def test_what_the_parts_are_for(array):
    x = Tensor(array)
    found = tl.unique_all(x)
    same(found.values, np.unique(array))
    same(found.values[found.inverse_indices], array)
    same(tl.reshape(x, (-1,))[found.indices], found.values)
    same(found.counts, np.unique(array, return_counts=True)[1])
    assert found.counts.dtype == found.indices.dtype == found.inverse_indices.dtype == tl.int64
    for function in FUNCTIONS[1:]:
        for name, part in fields(function(x)).items():
            same(part, getattr(found, name))


def test_every_nan_is_unlike_all_others():
    found = tl.unique_all(Tensor([np.nan, 1.0, np.nan, 1.0]))
    same(found.values, [1.0, np.nan, np.nan])
    assert found.counts.tolist() == [2, 1, 1]
    assert found.indices.tolist() == [1, 0, 2]


def test_zeros_of_both_signs_are_equal():
    assert tl.unique_counts(Tensor([0.0, -0.0])).counts.tolist() == [2]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_first_of_equals_gets_the_gradient(function):
    x = Tensor([[2.0, 1.0], [2.0, 3.0]], requires_grad=True)
    values = fields(function(x))["values"]
    (values * Tensor([10.0, 20.0, 30.0])).sum().backward()
    assert x.grad.tolist() == [[20.0, 10.0], [0.0, 30.0]]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_numbers_lists_and_arrays_are_taken(function):
    assert fields(function([3, 1, 3]))["values"].tolist() == [1, 3]
    assert fields(function(np.array([3.0, 1.0])))["values"].dtype == tl.float64
    assert fields(function(5))["values"].tolist() == [5]
