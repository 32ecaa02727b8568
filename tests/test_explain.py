"""From the array library's complaint to a message in terms of the user's call."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lesson import Tensor, errors, ops
from tinygrad_lesson.explain import explain
from tinygrad_lesson.op import elementwise


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (ValueError("x"), errors.TinygradError),
        (TypeError("x"), errors.ArgumentError),
        (TypeError("ufunc 'exp' not supported"), errors.DTypeError),
        (IndexError("x"), errors.IndexingError),
        (np.exceptions.AxisError("x"), errors.AxisError),
    ],
)
def test_a_complaint_becomes_one_of_ours(raised, kind):
    made = explain(ops.sum, (Tensor([1.0]),), {"axis": 3}, raised)
    assert isinstance(made, kind)
    assert made.where == "sum"
    assert isinstance(made, type(raised)) or kind is errors.AxisError


@pytest.mark.parametrize(
    "raised",
    [errors.ShapeError("op", "wrong", "Do that."), KeyError("x"), ZeroDivisionError()],
)
def test_our_own_errors_and_what_has_no_explanation_stay_as_they_are(raised):
    """Whatever a forward raises besides what array libraries do of their input."""

    @elementwise(samples=[], register=False)
    def failing(xp, x, /):
        raise raised

    with pytest.raises(type(raised)) as caught:
        failing(Tensor(1.0))
    assert caught.value is raised
    assert raised.__cause__ is None


@pytest.mark.parametrize(
    ("first", "second", "remedy"),
    [
        ((4, 3), (4,), "Give the second a new axis: expand_dims(..., axis=1) makes it (4, 1)."),
        ((4,), (4, 3), "Give the first a new axis: expand_dims(..., axis=1) makes it (4, 1)."),
        ((2, 5, 3), (2, 3), "Give the second a new axis: expand_dims(..., axis=1) makes it"),
        ((2, 5, 3), (2, 5), "Give the second a new axis: expand_dims(..., axis=2) makes it"),
        ((4, 3), (4, 2), "Axes are lined up from the right"),
        ((4, 3), (5,), "Axes are lined up from the right"),
    ],
)
def test_the_axis_that_is_missing_is_named(first, second, remedy):
    with pytest.raises(errors.ShapeError) as caught:
        Tensor(np.ones(first)) + Tensor(np.ones(second))
    assert caught.value.remedy.startswith(remedy)


def test_the_remedy_works():
    x, y = Tensor(np.ones((2, 5, 3))), Tensor(np.ones((2, 3)))
    assert (x + ops.expand_dims(y, axis=1)).shape == (2, 5, 3)
    x, y = Tensor(np.ones((5, 3))), Tensor(np.ones((4, 3)))
    assert (x @ y.mT).shape == (5, 4)
