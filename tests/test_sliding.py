"""Where windows lie, against a list of all positions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinygrad_lesson.arrays.sliding import Sliding, sliding


@settings(max_examples=300)
@given(
    st.integers(0, 9), st.integers(1, 4), st.integers(1, 5), st.integers(-2, 6),
    st.integers(-2, 6), st.integers(1, 4),
)  # fmt: skip
def test_taps(length: int, size: int, stride: int, before: int, after: int, dilation: int) -> None:
    axis = Sliding(length, size, stride, before, after, dilation)
    assume(axis.room >= 0)
    positions = range(-before, length + after)
    starts = [p for p in positions[::stride] if p + dilation * (size - 1) in positions]
    assert axis.places == len(starts)
    for tap, (places, data) in enumerate(axis.taps()):
        met = zip(range(axis.places)[places], range(length)[data], strict=True)
        expected = [(i, start + tap * dilation) for i, start in enumerate(starts)]
        assert list(met) == [(i, p) for i, p in expected if 0 <= p < length]


@given(st.integers(1, 9), st.integers(1, 4), st.integers(-2, 6), st.integers(-2, 6),
       st.integers(1, 4))  # fmt: skip
def test_reversed(length: int, size: int, before: int, after: int, dilation: int) -> None:
    """What meets at a tap on the way there meets at the same one, from the end, on the way back."""
    axis = Sliding(length, size, 1, before, after, dilation)
    assume(axis.room >= 0)
    assert axis.reversed.places == length
    for there, back in zip(axis.taps(), axis.reversed.taps()[::-1], strict=True):
        (places, data), (data_again, places_again) = there, back
        assert range(axis.places)[places] == range(axis.places)[places_again]
        assert range(length)[data] == range(length)[data_again]


@pytest.mark.parametrize(
    ("sizes", "stride", "dilation", "match"),
    [
        ((6,), (1,), (1,), "larger than the padded input"),
        ((2,), (0,), (1,), "must be positive"),
        ((2,), (1,), (-1,), "must be positive"),
        ((2, 2), (1,), (1,), "one item for each axis"),
    ],
)
def test_what_does_not_fit(sizes: Any, stride: Any, dilation: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        sliding((5,), sizes, stride, ((0, 0),), dilation)
