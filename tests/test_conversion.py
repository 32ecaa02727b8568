"""What users give for numbers and for indices."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.conversion import split_index

from .support import scalar

# ---- numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.0, "float32"),
        ([1.0, 2.0], "float32"),
        ([1, 2.5], "float32"),
        ([], "float32"),
        (1, "int64"),
        ([1, 2], "int64"),
        (True, "bool"),
        ([True, False], "bool"),
        (np.float64(1.0), "float64"),
        (np.array([1.0]), "float64"),
        (np.array([1], np.int8), "int8"),
        (np.float16(1), "float16"),
    ],
)
def test_dtype_of_what_goes_in(data, dtype):
    assert Tensor(data).dtype == dtype


@pytest.mark.parametrize("data", ["text", [object()], {"a": 1}, None, [1j], np.array(["a"])])
def test_what_is_no_number_is_refused(data):
    with pytest.raises(TypeError):
        Tensor(data)


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError, match="different lengths"):
        Tensor([[1.0], [1.0, 2.0]])


def test_a_list_of_tensors_is_refused():
    with pytest.raises(TypeError, match="stack"):
        Tensor([scalar(1.0), scalar(2.0)])


# ---- indices -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "skeleton"),
    [
        (1, (1,)),
        (np.int64(1), (1,)),
        (Tensor(1), (1,)),
        (True, (True,)),
        (np.bool_(True), (True,)),
        (None, (None,)),
        (Ellipsis, (Ellipsis,)),
        (slice(1, 3), (slice(1, 3),)),
        ((0, slice(None), None), (0, slice(None), None)),
        ((), ()),
    ],
)
def test_a_static_index_is_all_skeleton(index, skeleton):
    assert split_index(index, (4, 4, 4)) == (skeleton, [])
    assert [type(item) for item in split_index(index, (4, 4, 4))[0]] == [
        type(item) for item in skeleton
    ]


@pytest.mark.parametrize("array", [[0, 2], np.array([0, 2]), Tensor([0, 2]), [True, False, True]])
def test_arrays_leave_their_place_open(array):
    skeleton, (numbers,) = split_index((None, array), (3, 4))
    assert skeleton == (None, SLOT)
    assert np.asarray(numbers).tolist() == [0, 2]


def test_a_mask_over_two_axes_becomes_two_arrays():
    skeleton, (rows, columns) = split_index(np.eye(2, dtype=bool), (2, 2))
    assert skeleton == (SLOT, SLOT)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])


def test_an_empty_list_selects_nothing():
    assert Tensor([1.0, 2.0])[[]].shape == (0,)
    assert tl.zeros((2, 3))[:, []].shape == (2, 0)


@pytest.mark.parametrize("index", [1.0, "a", np.array([0.5]), Tensor([0.5]), [object()]])
def test_what_cannot_index_is_refused(index):
    with pytest.raises(IndexError):
        Tensor([1.0, 2.0])[index]


@pytest.mark.parametrize("mask", [[True, False], [False] * 5, [True, False, False, False]])
def test_a_mask_of_another_length_is_refused(mask):
    with pytest.raises(IndexError):
        Tensor([1.0, 2.0, 3.0])[np.array(mask)]


def test_a_mask_over_two_axes_of_other_lengths_is_refused():
    with pytest.raises(IndexError):
        Tensor(np.ones((3, 3)))[np.eye(2, dtype=bool)]
