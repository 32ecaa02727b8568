"""Normalisation beside PyTorch's, at its limits, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.errors import ArgumentError, RangeError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

from .support import same, seeded


def numbers(*shape: int) -> np.ndarray:
    return seeded("normalization", shape).normal(size=shape)


@given(hnp.array_shapes(min_dims=1, max_dims=4, min_side=2, max_side=5), st.data())
def test_the_result_has_mean_0_and_variance_1(shape: tuple[int, ...], data: Any) -> None:
    axes = data.draw(
        st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True)
    )
    x = numbers(*shape) * 7 + 3
    out = tl.standardize(x, axis=tuple(axes), eps=0.0).numpy()
    same(out.mean(tuple(axes)), np.zeros_like(out.mean(tuple(axes))), atol=1e-12)
    same(out.var(tuple(axes)), np.ones_like(out.mean(tuple(axes))), rtol=1e-12)


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e3, 1e5])
def test_a_large_mean_does_not_cost_the_variance_its_digits(mean: float) -> None:
    """The difference of the mean square and the squared mean would be off, or negative."""
    x = (numbers(8, 64) + mean).astype(np.float32)
    wide = x.astype(np.float64)
    centered = wide - wide.mean(-1, keepdims=True)
    expected = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)
    tolerance = 4 * np.finfo(np.float32).eps * (1 + mean)
    same(tl.standardize(x), expected.astype(np.float32), tolerance, tolerance)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("shape", [(64, 512), (8, 9, 515), (9, 4096)])
def test_many_rows_of_middle_length(shape: tuple[int, ...], center: bool) -> None:
    x, g = numbers(*shape) * 3 + 1, numbers(*shape)
    ours = Tensor(x, requires_grad=True)
    out = tl.standardize(ours, eps=0.1, center=center)
    mean = x.mean(-1, keepdims=True) * center
    scale = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 0.1)
    y = (x - mean) * scale
    same(out, y, 1e-10, 1e-11)
    out.backward(g)
    rest = g - y * (g * y).mean(-1, keepdims=True) - g.mean(-1, keepdims=True) * center
    same(ours.grad, rest * scale, 1e-9, 1e-11)


def test_equal_numbers_become_zero() -> None:
    x = Tensor(np.full((2, 3), 7.0), requires_grad=True)
    out = tl.standardize(x)
    same(out, np.zeros((2, 3)))
    out.backward(np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    same(x.grad[1], np.zeros(3), atol=1e-9)
    assert np.isfinite(x.grad.numpy()).all()


def test_squares_that_overflow_make_zeros() -> None:
    with np.errstate(over="ignore", invalid="ignore"):  # as in PyTorch: a number by infinity
        same(tl.standardize(Tensor([[1e30, 1.0, 2.0], [0.0, 0.0, 0.0]])), np.zeros((2, 3)))


def test_halves_are_computed_wider() -> None:
    x = (numbers(2, 4096) * 100).astype(np.float16)  # its squares overflow
    out = tl.standardize(x)
    assert out.dtype == np.float16
    same(out, tl.standardize(x.astype(float)), rtol=2e-3, atol=2e-3)


def test_group_norm_at_its_ends_is_layer_norm_and_instance_norm() -> None:
    x = numbers(2, 6, 4, 3)
    same(F.group_norm(x, 1), F.layer_norm(x, (6, 4, 3)))
    same(F.group_norm(x, 6), F.instance_norm(x))


def test_running_statistics() -> None:
    x = numbers(5, 3, 4) * 2 + 1
    mean, var = tl.zeros(3, dtype="float64"), tl.ones(3, dtype="float64")
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    same(mean, 0.25 * x.mean((0, 2)))
    same(var, 0.75 + 0.25 * x.var((0, 2), ddof=1))
    before = mean.numpy().copy()
    out = F.batch_norm(x, mean, var)
    same(mean, before)
    scale = np.sqrt(var.numpy() + 1e-5)[:, None]
    same(out, (x - before[:, None]) / scale)


CASES = {
    "layer": (lambda nn, x, w, b: nn.layer_norm(x, x.shape[-2:], w, b, 1e-3), (4, 3, 5), (3, 5)),
    "rms": (lambda nn, x, w, b: nn.rms_norm(x, (5,), w) + b, (4, 3, 5), (5,)),
    "group": (lambda nn, x, w, b: nn.group_norm(x, 2, w, b), (3, 4, 2, 3), (4,)),
    "instance": (lambda nn, x, w, b: nn.instance_norm(x, weight=w, bias=b), (3, 4, 5), (4,)),
    "batch": (lambda nn, x, w, b: nn.batch_norm(x, None, None, w, b, True), (5, 4, 2), (4,)),
    "batch of vectors": (
        lambda nn, x, w, b: nn.batch_norm(x, None, None, w, b, training=True), (5, 4), (4,)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_gradcheck_to_second_order(name: str) -> None:
    function, shape, of_weights = CASES[name]
    arrays = [numbers(*shape), numbers(*of_weights), numbers(*of_weights)]
    assert tl.gradcheck(lambda *xs: function(F, *xs), arrays, mode="fast", order=2)


@pytest.mark.oracle
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_beside_pytorch(name: str, affine: bool) -> None:
    torch = pytest.importorskip("torch")
    function, shape, of_weights = CASES[name]
    arrays = [numbers(*shape)]
    if affine:
        arrays += [numbers(*of_weights) + 1, numbers(*of_weights)]
    rest = () if affine else (None, 0.0 if name == "rms" else None)
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = function(F, *ours, *rest)
    expected = function(torch.nn.functional, *peers, *rest)
    same(out, expected.detach().numpy(), 1e-11, 1e-11)
    c = numbers(*out.shape)
    out.backward(c)
    expected.backward(torch.tensor(c))
    for x, peer in zip(ours, peers, strict=True):
        same(x.grad, peer.grad.numpy(), 1e-10, 1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_local_response_norm_beside_pytorch(size: int) -> None:
    torch = pytest.importorskip("torch")
    x = numbers(2, 5, 3)
    ours, peer = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out = F.local_response_norm(ours, size, 0.7, 0.6, 1.2)
    expected = torch.nn.functional.local_response_norm(peer, size, 0.7, 0.6, 1.2)
    same(out, expected.detach().numpy())
    out.sum().backward()
    expected.sum().backward()
    same(ours.grad, peer.grad.numpy())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: F.layer_norm(x, 5), ShapeError, r"\(2, 4, 3\), which does not end in \(5,\)"),
        (lambda x: F.layer_norm(x, ()), ShapeError, "of one at least"),
        (lambda x: F.layer_norm(x, 3, np.ones(4)), ShapeError, r"one has \(4,\)"),
        (lambda x: F.rms_norm(x, (4, 2)), ShapeError, "does not end in"),
        (lambda x: F.group_norm(x, 3), ShapeError, "num_groups must divide"),
        (lambda x: F.group_norm(x, 0), ShapeError, "num_groups must divide"),
        (lambda x: F.group_norm(x, 2, np.ones(3)), ShapeError, r"Pass shape \(4,\)"),
        (lambda x: F.instance_norm(x[0]), ShapeError, r"\(N, C, L\)"),
        (lambda x: F.batch_norm(x), ArgumentError, "no running statistics"),
        (lambda x: F.batch_norm(x, tl.ones(3), tl.ones(4)), ShapeError, "running_mean has shape"),
        (lambda x: F.batch_norm(x[:1, :, 0], training=True), ShapeError, "1 number a channel"),
        (lambda x: F.batch_norm(x[0, 0], training=True), ShapeError, r"\(N, C, ...\)"),
        (lambda x: F.local_response_norm(x, 0), RangeError, "Pass size >= 1"),
        (lambda x: tl.standardize(x, axis=3), ValueError, "axis"),
        (lambda x: tl.standardize(x, axis=(1, 1)), ValueError, "axis"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(numbers(2, 4, 3))
