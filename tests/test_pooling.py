"""Pooling: the ops in pairs, what users call, ties, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_lesson import Tensor, errors, ops
from tinygrad_lesson.nn import functional as F  # noqa: N812

from .oracles.pooling import windows as by_numpy
from .support import same, seeded
from .test_convolution import with_gradients


@st.composite
def geometries(draw: Any) -> tuple[tuple[int, ...], dict[str, Any]]:
    """A shape of images, and windows that fit; each has an element on data."""
    axes = draw(st.integers(1, 3))
    several = st.tuples(*[st.integers(1, 3)] * axes)
    kernel, stride, dilation = draw(several), draw(several), draw(several)
    padding = tuple(draw(st.tuples(*[st.tuples(st.integers(0, 1), st.integers(0, 1))] * axes)))
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    lengths = tuple(draw(st.integers(max(2, span), span + 4)) for span in spans)
    window = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    return (draw(st.integers(1, 2)), draw(st.integers(1, 2)), *lengths), window


@settings(max_examples=60)
@given(geometries())
def test_values_and_adjoints(geometry: Any) -> None:
    shape, window = geometry
    rng = seeded("pool")
    x = rng.normal(size=shape)
    found = ops.pool_sum(Tensor(x), **window)
    same(found, by_numpy(x, **window).sum(-1))
    g = rng.normal(size=found.shape)
    spread = ops.pool_spread(Tensor(g), **window, shape=shape[2:])
    same(np.vdot(found.numpy(), g), np.vdot(x, spread.numpy()), 1e-10, 1e-10)

    padded = by_numpy(x, **window, fill=-math.inf)
    taps = ops.pool_argmax(Tensor(x), **window)
    some = np.isfinite(padded.max(-1))  # a window of one element may lie on padding
    same(ops.pool_max(Tensor(x), **window), padded.max(-1))
    same(taps.numpy()[some], padded.argmax(-1)[some])
    picked = ops.pool_pick(Tensor(x), taps, **window).numpy()
    same(picked[some], padded.max(-1)[some])
    put = ops.pool_put(Tensor(g), taps, **window, shape=shape[2:])
    same(np.vdot(picked, g), np.vdot(x, put.numpy()), 1e-10, 1e-10)


def test_the_first_of_equals_gets_the_gradient() -> None:
    x = Tensor(np.ones((1, 1, 4, 4)), requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    same(x.grad[0, 0], [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])


def test_a_window_of_minus_infinity() -> None:
    x = Tensor(np.full((1, 1, 4), -np.inf), requires_grad=True)
    out, indices = F.max_pool1d(x, 2, padding=1, return_indices=True)
    same(out, [[[-np.inf] * 3]])
    same(indices, [[[0, 1, 3]]])
    out.sum().backward()
    same(x.grad, [[[1, 1, 0, 1]]])


def test_nan_is_the_maximum() -> None:
    x = Tensor([[[1.0, np.nan, 2.0, 3.0]]], requires_grad=True)
    out = F.max_pool1d(x, 2)
    same(out, [[[np.nan, 3.0]]])
    out.sum().backward()
    same(x.grad, [[[0, 1, 0, 1]]])


def test_many_elements_in_a_window() -> None:
    x = np.arange(2.0 * 400).reshape(1, 2, 400)
    out, indices = F.max_pool1d(Tensor(x), 400, return_indices=True)
    same(out, [[[399], [799]]])
    same(indices, [[[399], [399]]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype: Any) -> None:
    x = Tensor(np.arange(24, dtype=dtype).reshape(1, 2, 3, 4), requires_grad=True)
    for out in (
        F.max_pool2d(x, 2), F.avg_pool2d(x, 2), F.avg_pool2d(x, 2, padding=1, ceil_mode=True),
        F.lp_pool2d(x, 2.0, 2), F.adaptive_avg_pool2d(x, 2), F.adaptive_max_pool2d(x, 2),
    ):  # fmt: skip
        assert out.dtype == dtype
        x.grad = None
        out.sum().backward()
        assert x.grad.dtype == dtype


FUNCTIONS = [
    lambda x: F.max_pool1d(x, 2),
    lambda x: F.avg_pool1d(x, 2),
    lambda x: F.lp_pool1d(x, 2, 2),
    lambda x: F.adaptive_avg_pool1d(x, 3),
    lambda x: F.adaptive_max_pool1d(x, 3),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_without_a_batch_and_of_no_images(function: Any) -> None:
    x = seeded("single").normal(size=(2, 8))
    same(function(Tensor(x)), function(Tensor(x[None]))[0])
    empty = Tensor(np.zeros((0, 2, 8)), requires_grad=True)
    out = function(empty)
    assert out.shape == (0, *function(Tensor(x)).shape)
    out.sum().backward()
    assert empty.grad.shape == empty.shape


@pytest.mark.parametrize("function", FUNCTIONS)
def test_layout_does_not_matter(function: Any) -> None:
    x = seeded("layout").normal(size=(2, 3, 8))
    plain = function(Tensor(x))
    same(function(Tensor.lift(np.repeat(x, 2, axis=2)[..., ::2])), plain)
    same(function(Tensor.lift(x.T.copy().T)), plain)


def test_sums_of_half_precision_do_not_overflow() -> None:
    x = Tensor(np.full((1, 1, 4, 4), 6e4, np.float16), requires_grad=True)
    for out in (F.avg_pool2d(x, 2), F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)):
        assert out.dtype == np.float16
        same(out, np.full(out.shape, 6e4, np.float16))
    small = Tensor(np.full((1, 4), 2e4, np.float16))
    same(F.lp_pool1d(small, 2.0, 2), np.full((1, 2), 2e4 * math.sqrt(2), np.float16))
    out = F.avg_pool2d(x, 4)
    out.backward(np.ones((1, 1, 1, 1), np.float16))
    same(x.grad, np.full(x.shape, 1 / 16, np.float16))


def test_lp_pool_at_zero_has_no_slope() -> None:
    x = Tensor([[[0.0, 0.0, 3.0, 4.0]]], requires_grad=True)
    out = F.lp_pool1d(x, 2, 2)
    same(out, [[[0.0, 5.0]]], 1e-6)
    out.sum().backward()
    same(x.grad, [[[0.0, 0.0, 0.6, 0.8]]], 1e-6)


X = Tensor(np.ones((2, 3, 5)))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: F.max_pool2d(X[0, 0], 2), errors.ShapeError, r"\[max_pool2d\] the input has"),
        (lambda: F.max_pool1d(X, 6), errors.ShapeError, "a window that spans 6 does not fit"),
        (lambda: F.avg_pool1d(X[..., :0], 1), errors.ShapeError, "does not fit"),
        (lambda: F.max_pool1d(X, 0), errors.RangeError, "kernel_size >= 1"),
        (lambda: F.max_pool1d(X, (2, 2)), errors.ShapeError, "2 numbers for 1 axes"),
        (lambda: F.max_pool1d(X, 2, padding=2), errors.RangeError, "at most half a window"),
        (lambda: F.max_pool1d(X, 1.5), errors.ArgumentError, "no integer but a float"),
        (lambda: F.max_pool1d(X.astype("int64"), 2), errors.DTypeError, r"\[max_pool1d\] .*int64"),
        (lambda: F.avg_pool2d(X, 2, divisor_override=0), errors.RangeError, "divisor_override=0"),
        (lambda: F.lp_pool1d(X, 0, 2), errors.RangeError, "norm_type=0"),
        (lambda: F.adaptive_avg_pool1d(X, 0), errors.RangeError, "output_size >= 1"),
        (lambda: F.adaptive_avg_pool2d(X, (1, 2, 3)), errors.ShapeError, "3 numbers for 2 axes"),
        (lambda: F.adaptive_max_pool1d(X[..., :0], 1), errors.ShapeError, "no elements"),
        (lambda: ops.pool_sum(X, (2, 2), (1,), ((0, 0),), (1,)), errors.ShapeError,
         r"\[pool_sum\] shape \(2, 3, 5\) has no such windows"),
        (lambda: ops.pool_sum(X.astype("int64"), (2,), (1,), ((0, 0),), (1,)), errors.DTypeError,
         r"\[pool_sum\] not defined for int64"),
        (lambda: ops.pool_spread(X, (2,), (1,), ((0, 0),), (1,), shape=(5,)), errors.ShapeError,
         r"\[pool_spread\]"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        call()


# ---- beside PyTorch ----------------------------------------------------------------------

WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 1},
    {"kernel_size": 2, "stride": 3, "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
]


def images(axes: int) -> np.ndarray:
    return seeded("images", axes).normal(size=(2, 2, *(8, 7, 6)[:axes]))


def beside_torch(name: str, x: np.ndarray, params: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    with_gradients(getattr(F, name), getattr(torch.nn.functional, name), [x], params)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "params",
    [*WINDOWS, {"kernel_size": 2, "dilation": 2}, {"kernel_size": 3, "padding": 1, "stride": 4}],
    ids=str,
)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_max_pool_beside_torch(axes: int, params: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    name, x = f"max_pool{axes}d", images(axes)
    beside_torch(name, x, params)
    out, indices = getattr(F, name)(Tensor(x), **params, return_indices=True)
    expected, places = getattr(torch.nn.functional, name)(
        torch.tensor(x), **params, return_indices=True
    )
    same(out, expected.numpy())
    same(indices, places.numpy())


@pytest.mark.oracle
@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("params", WINDOWS, ids=str)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_avg_pool_beside_torch(axes: int, params: dict[str, Any], include: bool) -> None:
    beside_torch(f"avg_pool{axes}d", images(axes), {**params, "count_include_pad": include})


@pytest.mark.oracle
def test_divisor_beside_torch() -> None:
    beside_torch("avg_pool2d", images(2), {"kernel_size": 2, "divisor_override": 3})


@pytest.mark.oracle
@pytest.mark.parametrize("params", [WINDOWS[0], WINDOWS[2], WINDOWS[3]], ids=str)
@pytest.mark.parametrize("norm", [1, 2, 3.0])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_lp_pool_beside_torch(axes: int, norm: float, params: dict[str, Any]) -> None:
    beside_torch(f"lp_pool{axes}d", 1 + np.abs(images(axes)), {"norm_type": norm, **params})


@pytest.mark.oracle
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_adaptive_pool_beside_torch(axes: int, kind: str, size: int) -> None:
    torch = pytest.importorskip("torch")
    name, x = f"adaptive_{kind}_pool{axes}d", images(axes)
    beside_torch(name, x, {"output_size": size})
    if kind == "max":
        found = getattr(F, name)(Tensor(x), size, return_indices=True)
        expected = getattr(torch.nn.functional, name)(torch.tensor(x), size, return_indices=True)
        for ours, theirs in zip(found, expected, strict=True):
            same(ours, theirs.numpy())


@pytest.mark.oracle
@pytest.mark.parametrize("kind", ["avg", "max"])
def test_adaptive_pool_keeps_a_length(kind: str) -> None:
    beside_torch(f"adaptive_{kind}_pool2d", images(2), {"output_size": (None, 3)})
