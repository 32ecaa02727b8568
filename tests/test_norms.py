"""Norms where they have kinks, where squares overflow, and distances of coincident points."""

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

ORDS = (0, 0.5, 1, 1.5, 2, 3, 7.5, math.inf, -math.inf, -1, -2.5)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int8])
@pytest.mark.parametrize("ord", ORDS)
def test_every_order(ord: float, dtype: Any, axis: Any) -> None:
    x = np.array([[[3, -1], [0, 2]], [[-1, 1], [5, -4]], [[7, 1], [1, -100]]], dtype)
    tolerance = {np.float16: 2e-3, np.float32: 1e-6}.get(dtype, 1e-12)
    for keepdims in (False, True):
        found = tl.vector_norm(Tensor(x), axis=axis, ord=ord, keepdims=keepdims)
        wide = x.astype(np.float64)
        with np.errstate(divide="ignore"):
            expected = np.linalg.vector_norm(wide, axis=axis, ord=ord, keepdims=keepdims)
        assert found.dtype == (np.float64 if dtype is np.int8 else dtype)
        same(found, expected, tolerance, tolerance)


@pytest.mark.parametrize("ord", ORDS)
def test_at_zero_the_derivative_is_zero_and_the_second_is_finite(ord: float) -> None:
    first, second = derivatives(lambda t: tl.vector_norm(t, ord=ord), np.zeros(3))
    same(first, np.zeros(3))
    assert np.isfinite(second).all()


@pytest.mark.parametrize("ord", ORDS)
def test_beside_a_zero_the_derivatives_are_finite(ord: float) -> None:
    x = np.array([0.0, 2.0, -3.0])
    first, second = derivatives(lambda t: tl.vector_norm(t, ord=ord), x)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    assert first[0] == 0


@pytest.mark.parametrize("ord", [1.5, 2, 3, math.inf])
@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
def test_large_and_small_numbers_neither_overflow_nor_vanish(ord: float, scale: float) -> None:
    x = np.array([3.0, -4.0, 1.0])
    t = Tensor(x * scale, requires_grad=True)
    norm = tl.vector_norm(t, ord=ord)
    same(norm.item() / scale, np.linalg.vector_norm(x, ord=ord))
    norm.backward()
    u = Tensor(x, requires_grad=True)
    tl.vector_norm(u, ord=ord).backward()
    same(t.grad, u.grad)


@pytest.mark.parametrize("ord", [1.5, 2, 3])
def test_one_large_row_does_not_spoil_the_others(ord: float) -> None:
    rows = np.array([[3.0, 4.0], [3e200, 4e200], [0.0, 0.0], [3e-200, 4e-200]])
    found = tl.vector_norm(Tensor(rows), axis=1, ord=ord).numpy()
    expected = np.linalg.vector_norm([3.0, 4.0], ord=ord)
    same(found / [1, 1e200, 1, 1e-200], expected * np.array([1, 1, 0, 1]))


def test_equal_magnitudes_share_the_gradient() -> None:
    x = Tensor([2.0, -2.0, 1.0], requires_grad=True)
    tl.vector_norm(x, ord=math.inf).backward()
    assert x.grad.tolist() == [0.5, -0.5, 0.0]


@pytest.mark.parametrize("ord", [0, 1, 2, 3, math.inf])
def test_the_norm_of_nothing_is_zero(ord: float) -> None:
    same(tl.vector_norm(Tensor(np.zeros((2, 0))), axis=1, ord=ord), np.zeros(2))


@given(hnp.arrays(float, (3, 4), elements=st.floats(-1e3, 1e3)), st.sampled_from([1, 1.5, 2, 4]))
def test_a_norm_is_homogeneous_and_its_gradient_says_so(x: np.ndarray, ord: float) -> None:
    """Euler's theorem: ``<x, gradient> = norm``."""
    t = Tensor(x, requires_grad=True)
    norm = tl.vector_norm(t, ord=ord)
    norm.backward()
    same(np.sum(x * t.grad.numpy()), norm, rtol=1e-9, atol=1e-9)


# ---- what is measured with them ----------------------------------------------------------


def test_normalize_of_zeros() -> None:
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    same(tl.normalize(Tensor(x)), [[0.0, 0.0], [0.6, 0.8]])
    first, second = derivatives(lambda t: tl.normalize(t).sum(), x)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()


@pytest.mark.parametrize(("dtype", "size"), [("float16", 300), ("float32", 1e30)])
def test_cosine_similarity_of_long_vectors(dtype: str, size: float) -> None:
    x, y = (np.array([row], dtype) for row in ([size, size], [size, 0]))
    same(tl.cosine_similarity(Tensor(x), Tensor(y)), [math.sqrt(0.5)], 1e-3)


def test_cosine_similarity_of_zeros() -> None:
    zeros = np.zeros((1, 3))
    other = Tensor(np.ones((1, 3)))
    same(tl.cosine_similarity(Tensor(zeros), other), [0.0])
    first, second = derivatives(lambda t: tl.cosine_similarity(t, other).sum(), zeros)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, math.inf])
def test_coincident_points(p: float) -> None:
    points = np.array([[1.0, 2.0], [3.0, 4.0]])
    same(np.diag(tl.cdist(Tensor(points), Tensor(points), p=p).numpy()), np.zeros(2))
    first, second = derivatives(lambda t: tl.cdist(t, t.detach(), p=p).sum(), points)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    first, _ = derivatives(
        lambda t: tl.pairwise_distance(t, t.detach(), p=p, eps=0.0).sum(), points
    )
    same(first, np.zeros((2, 2)))


def test_small_distances_are_accurate() -> None:
    """The product form ``x'x - 2 x'y + y'y`` would give 0 here."""
    x = Tensor([[1000.0, 1000.0]], dtype=tl.float32)
    y = Tensor([[1000.0, 1000.0625]], dtype=tl.float32)
    assert tl.cdist(x, y).item() == 0.0625


def test_norm_is_that_of_numpy() -> None:
    x = np.arange(6.0).reshape(2, 3) - 2
    same(tl.norm(Tensor(x)), np.linalg.norm(x))
    same(tl.norm(Tensor(x), 1, 0), np.linalg.norm(x, 1, 0))
    same(Tensor(x).norm(axis=1, keepdims=True), np.linalg.norm(x, axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: tl.vector_norm(x, ord="fro"), errors.ArgumentError,
         "[vector_norm] ord='fro' is no number. Pass one, or use matrix_norm for a norm of"
         " matrices."),
        (lambda x: tl.vector_norm(x[:0], ord=-math.inf), errors.ShapeError,
         "[vector_norm] shape (0, 3) has no elements. Of nothing there is no smallest; check the"
         " shape."),
        (lambda x: tl.norm(x, 1), errors.ArgumentError,
         "[norm] ord=1 of 2 axes is a norm of matrices. Use matrix_norm, or vector_norm for that"
         " of the elements."),
        (lambda x: tl.norm(x, axis=2), errors.AxisError,
         "[norm] axis=2 does not exist among 2 axes. Use one from -2 to 1."),
        (lambda x: tl.normalize(x[0]), errors.AxisError,
         "[normalize] axis=1 does not exist among 1 axes. Use one from -1 to 0."),
        (lambda x: tl.cosine_similarity(x, x[:, :2]), errors.ShapeError,
         "[cosine_similarity] shapes (2, 3) and (2, 2) do not broadcast."),
        (lambda x: tl.pairwise_distance(x, x[:, :2]), errors.ShapeError,
         "[pairwise_distance] shapes (2, 3) and (2, 2) do not broadcast."),
        (lambda x: tl.cdist(x, x[:, :2]), errors.ShapeError,
         "[cdist] the rows of shapes (2, 3) and (2, 2) are not of one length. Pass points as the"
         " rows of matrices (..., m, d) and (..., n, d)."),
    ],
)  # fmt: skip
def test_mistakes(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        call(Tensor(np.ones((2, 3))))
