"""Functions whose optional arrays go by keyword: the gradient reaches those, too."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, ops

from .support import same

X = np.array([[0.3, 1.7, -0.9], [1.2, -0.5, 2.1]])
LOW, HIGH = np.array([0.0, 0.5, -1.0]), np.array([[0.8], [1.5]])


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (LOW, None), (None, HIGH), (LOW, HIGH), (0.0, HIGH), (LOW, 1)]
)
def test_clip_between_arrays(low, high):
    bounds = [Tensor(b) if isinstance(b, np.ndarray) else b for b in (low, high)]
    expected = X if low is high is None else np.clip(X, low, high)
    same(tl.clip(Tensor(X), *bounds), expected)
    same(tl.clip(X.tolist(), low, high), expected.astype(np.float32), rtol=1e-6)


def test_the_gradient_of_clip_goes_to_what_was_chosen():
    x, low, high = (Tensor(a, requires_grad=True) for a in (X, LOW, HIGH))
    tl.clip(x, min=low, max=high).sum().backward()
    same(x.grad, [[1, 0, 1], [1, 0, 0]])
    same(low.grad, [0, 1, 0])
    same(high.grad, [[1], [1]])


def test_clip_between_numbers_is_one_op():
    assert tl.clip(Tensor(X, requires_grad=True), 0.0, np.float64(1.0)).node.op is ops.clip
