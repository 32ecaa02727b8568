"""Where ops may safely be tried."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_lesson.samples import (
    ELEMENTWISE_SHAPES,
    booleans,
    calls,
    integers,
    sample,
    uniform,
)

from .support import seeded


@pytest.mark.parametrize("shape", [(), (7,), (3, 4), (0, 2)])
def test_a_draw_has_its_shape_and_dtype(shape):
    for dtype in (np.float32, np.float64):
        array = uniform(-3, 3, shape).draw(seeded(shape), dtype=dtype)
        assert isinstance(array, np.ndarray)
        assert (array.shape, array.dtype) == (shape, dtype)
    assert booleans(shape).draw(seeded(shape)).dtype == bool
    assert integers(0, 5, shape).draw(seeded(shape)).dtype.kind == "i"
    assert isinstance(booleans(()).draw(seeded("b")), np.ndarray)


def test_floats_lie_in_the_interval_and_apart():
    numbers = np.sort(uniform(-3, 3, (60,)).draw(seeded("apart")))
    assert -3 < numbers[0] < numbers[-1] < 3
    assert np.diff(numbers).min() > 0.04


def test_points_are_avoided():
    numbers = uniform(-1, 1, (500,), avoid=(0.0, 0.5)).draw(seeded("avoid"))
    assert np.abs(numbers).min() >= 0.05
    assert np.abs(numbers - 0.5).min() >= 0.05 - 1e-12


def test_integers_leave_out_the_end():
    assert set(integers(1, 4, (200,)).draw(seeded("i")).tolist()) == {1, 2, 3}


def test_the_same_generator_draws_the_same():
    domain = uniform(0, 1, (3,))
    assert domain.draw(seeded(1)).tolist() == domain.draw(seeded(1)).tolist()


def test_elementwise_domains_are_tried_at_every_shape():
    found = list(calls((uniform(0, 1), booleans())))
    assert [tuple(d.shape for d in call.inputs) for call in found] == [
        shapes[:2] for shapes in ELEMENTWISE_SHAPES
    ]
    assert all(call.inputs[1].kind == "b" for call in found)


def test_whole_calls_are_taken_as_they_are():
    call = sample(uniform(0, 1, (2,)), axis=0)
    assert list(calls((call,))) == [call]
    assert call.params == {"axis": 0}
