"""Resampling: PyTorch's conventions over all parameters, adjoints, and what is refused."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, ops
from tinygrad_lesson.errors import ArgumentError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

from .oracles.resampling import resample
from .support import same, seeded

KINDS = ("linear", "cubic", "area", "nearest", "nearest-exact")


def numbers(*shape: int) -> np.ndarray:
    return seeded("resampling", shape).normal(size=shape)


# ---- along one axis ----------------------------------------------------------------------


@given(
    st.sampled_from(KINDS), st.integers(1, 150), st.integers(1, 150), st.booleans(), st.booleans()
)
def test_many_lengths(kind: str, old: int, new: int, aligned: bool, last: bool) -> None:
    """Also those that the kernel cuts into blocks."""
    aligned = aligned and kind in ("linear", "cubic")
    x = numbers(2, old) if last else numbers(old, 2)
    axis = 1 if last else 0
    out = ops.resample(x, axis, new, mode=kind, align_corners=aligned)
    same(out, resample(x, axis, new, kind, aligned, None), 1e-11, 1e-11)


@given(
    st.sampled_from(KINDS), st.integers(1, 150), st.integers(1, 150), st.booleans(), st.booleans()
)
def test_the_adjoint(kind: str, old: int, new: int, aligned: bool, last: bool) -> None:
    params: dict[str, Any] = {"mode": kind, "align_corners": aligned and kind in KINDS[:2]}
    shapes = [(2, old), (2, new)] if last else [(old, 2), (new, 2)]
    axis = 1 if last else 0
    x, y = (numbers(*shape) for shape in shapes)
    there = ops.resample(x, axis, new, **params).numpy()
    back = ops.resample_adjoint(y, axis, old, **params).numpy()
    same(np.sum(there * y), np.sum(x * back), 1e-10, 1e-10)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_finite_stays_in_its_place(kind: str, bad: float) -> None:
    x = numbers(3, 40)
    x[1, 20] = bad
    with np.errstate(invalid="ignore"):
        out = ops.resample(x, 1, 100, mode=kind).numpy()
    wrong = np.argwhere(~np.isfinite(out))
    assert (wrong[:, 0] == 1).all()
    assert wrong[:, 1].min() >= 44
    assert wrong[:, 1].max() <= 56
    x[1, 20] = 0
    untouched = np.isfinite(out)
    same(out[untouched], ops.resample(x, 1, 100, mode=kind).numpy()[untouched])


def test_constants_stay_and_lines_stay_lines() -> None:
    for kind in KINDS:
        same(ops.resample(np.full(7, 3.0), 0, 11, mode=kind), np.full(11, 3.0))
    line = np.arange(7.0)
    expected = np.linspace(0, 6, 13)
    same(ops.resample(line, 0, 13, align_corners=True), expected)


def test_nearest_keeps_integers() -> None:
    x = np.arange(4, dtype=np.uint8)
    assert ops.resample(x, 0, 8, mode="nearest").dtype == np.uint8
    assert tl.interpolate(x[None, None], size=2).tolist() == [[[0, 2]]]


# ---- images of another size --------------------------------------------------------------

MODES = {
    3: ("nearest", "nearest-exact", "area", "linear"),
    4: ("nearest", "nearest-exact", "area", "bilinear", "bicubic"),
    5: ("nearest", "nearest-exact", "area", "trilinear"),
}
SIZES = (
    {"size": 7},
    {"size": 2},
    {"size": 1},
    {"scale_factor": 2},
    {"scale_factor": 1.7},
    {"scale_factor": 0.6},
    {"scale_factor": 1.7, "recompute_scale_factor": True},
)


@pytest.mark.oracle
@pytest.mark.parametrize("axes", MODES)
def test_interpolate_beside_pytorch(axes: int) -> None:
    torch = pytest.importorskip("torch")
    x = numbers(*(2, 3, 5, 4, 3)[:axes])
    for mode, size, aligned in itertools.product(MODES[axes], SIZES, (None, False, True)):
        if aligned is not None and ("linear" not in mode and mode != "bicubic"):
            continue
        params = {**size, "mode": mode, "align_corners": aligned}
        ours, peer = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
        out = F.interpolate(ours, **params)
        expected = torch.nn.functional.interpolate(peer, **params)
        same(out, expected.detach().numpy(), 1e-11, 1e-11)
        c = seeded(params).normal(size=out.shape)
        out.backward(c)
        expected.backward(torch.tensor(c))
        same(ours.grad, peer.grad.numpy(), 1e-10, 1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_rounds_as_pytorch_does(mode: str) -> None:
    torch = pytest.importorskip("torch")
    for old, new in itertools.product(range(1, 40), repeat=2):
        x = np.arange(float(old))[None, None]
        expected = torch.nn.functional.interpolate(torch.tensor(x), size=new, mode=mode)
        same(tl.interpolate(x, size=new, mode=mode), expected.numpy())


@pytest.mark.parametrize(
    ("shape", "params", "error", "message"),
    [
        ((2, 3), {"size": 4}, ShapeError, r"Pass \(N, C, L\) or"),
        ((1, 1, 4), {"size": 4, "mode": "bilinear"}, ArgumentError, "'nearest-exact', 'area', 'l"),
        ((1, 1, 4), {"size": 4, "align_corners": True}, ArgumentError, "no corners to align"),
        ((1, 1, 4), {}, ArgumentError, "there must be a size or a scale_factor"),
        ((1, 1, 4), {"size": 4, "scale_factor": 2}, ArgumentError, "and not both"),
        ((1, 1, 4), {"size": (4, 4)}, ShapeError, "has 2 numbers for 1 spatial axes"),
        ((1, 1, 4), {"size": 2.5}, ArgumentError, "size=2.5 is no integer"),
        ((1, 1, 4), {"scale_factor": 0.1}, ShapeError, r"from \(4,\) to \(0,\) is no resizing"),
        ((1, 1, 0), {"size": 3}, ShapeError, "All lengths must be 1 or more"),
    ],
    ids=str,
)
def test_a_size_that_means_nothing_is_refused(
    shape: Any, params: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        tl.interpolate(np.zeros(shape), **params)


# ---- images read at any places -----------------------------------------------------------

PADDINGS = ("zeros", "border", "reflection")


@pytest.mark.oracle
@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample_beside_pytorch(mode: str, padding: str, aligned: bool, axes: int) -> None:
    torch = pytest.importorskip("torch")
    if mode == "bicubic" and axes == 3:
        return
    x = numbers(2, 3, *(4, 5, 3)[:axes])
    grid = seeded("places").uniform(-2.2, 2.2, (2, *(6, 5, 4)[:axes], axes))
    ours = [Tensor(a, requires_grad=True) for a in (x, grid)]
    peers = [torch.tensor(a, requires_grad=True) for a in (x, grid)]
    out = F.grid_sample(*ours, mode, padding, aligned)
    expected = torch.nn.functional.grid_sample(*peers, mode, padding, aligned)
    same(out, expected.detach().numpy(), 1e-11, 1e-11)
    c = numbers(*out.shape)
    out.backward(c)
    expected.backward(torch.tensor(c))
    same(ours[0].grad, peers[0].grad.numpy(), 1e-10, 1e-10)
    found = ours[1].grad
    same(np.zeros_like(grid) if found is None else found, peers[1].grad.numpy(), 1e-10, 1e-10)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("aligned", [False, True])
def test_the_grid_of_the_identity_gives_the_image_back(padding: str, aligned: bool) -> None:
    for shape in [(2, 3, 4, 5), (1, 2, 3, 4, 2)]:
        axes = len(shape) - 2
        x = numbers(*shape)
        theta = np.broadcast_to(np.eye(axes, axes + 1), (shape[0], axes, axes + 1))
        grid = F.affine_grid(theta, shape, aligned)
        out = F.grid_sample(x, grid, padding_mode=padding, align_corners=aligned)
        same(out, x, 1e-10, 1e-10)


def test_places_that_are_no_numbers_read_nothing() -> None:
    grid = np.array([[[[np.nan, 0.0], [0.0, 0.0]]]])
    out = F.grid_sample(np.ones((1, 1, 2, 2)), grid).numpy()
    same(out, [[[[0.0, 1.0]]]])


def test_the_wider_of_images_and_grid_decides_in_what_they_are_read() -> None:
    x, grid = numbers(1, 1, 3, 4), np.float32([[[[0.1, 0.2], [-0.3, 0.7]]]])
    expected = F.grid_sample(x, grid.astype(float)).numpy()
    same(F.grid_sample(x, grid), expected, 1e-15, 0)
    wide = np.arange(5000.0).reshape(1, 1, 1, 5000)  # half precision has no 4999
    ends = np.array([[[[-1.0, 0.0], [1.0, 0.0]]]])
    found = F.grid_sample(wide.astype(np.float16), ends.astype(np.float16), align_corners=True)
    same(found, np.float16([[[[0.0, 4999.0]]]]))


@pytest.mark.oracle
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("size", [(2, 1, 3, 4), (2, 1, 2, 3, 4), (2, 1, 1, 1)], ids=str)
@pytest.mark.filterwarnings("ignore:Since version 1.3.0:UserWarning")
def test_affine_grid_beside_pytorch(size: Any, aligned: bool) -> None:
    torch = pytest.importorskip("torch")
    theta = numbers(2, len(size) - 2, len(size) - 1)
    ours, peer = Tensor(theta, requires_grad=True), torch.tensor(theta, requires_grad=True)
    out = F.affine_grid(ours, size, aligned)
    expected = torch.nn.functional.affine_grid(peer, size, aligned)
    same(out, expected.detach().numpy())
    c = numbers(*out.shape)
    out.backward(c)
    expected.backward(torch.tensor(c))
    same(ours.grad, peer.grad.numpy())


def test_a_spatial_transformer_passes_gradcheck() -> None:
    x = numbers(1, 1, 3, 4)
    theta = np.array([[[0.83, 0.11, 0.07], [-0.13, 0.71, 0.05]]])
    report = tl.gradcheck(
        lambda x, theta: F.grid_sample(x, F.affine_grid(theta, (1, 1, 2, 3))),
        [x, theta],
        order=2,
    )
    assert report


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x, g: tl.grid_sample(x[0], g), ShapeError, r"Pass \(N, C, H, W\) or"),
        (lambda x, g: tl.grid_sample(x, g[..., :1]), ShapeError, r"Pass shape \(1, ..., 2\)"),
        (lambda x, g: tl.grid_sample(x[..., :0], g), ShapeError, "have no pixels"),
        (lambda x, g: tl.grid_sample(x, g, mode="linear"), ArgumentError, "'nearest', 'bicubic'"),
        (lambda x, g: tl.grid_sample(x, g, padding_mode="mirror"), ArgumentError, "'reflection'"),
        (lambda x, g: F.affine_grid(g[0], (1, 1, 2, 2)), ShapeError, r"Pass \(N, 2, 3\)"),
        (lambda x, g: F.affine_grid(np.zeros((1, 2, 3)), (1,)), ShapeError, r"size=\(1,\)"),
        (lambda x, g: tl.pixel_shuffle(x, 2), ShapeError, r"no multiple of 2 \* 2"),
        (lambda x, g: tl.pixel_unshuffle(x, 3), ShapeError, "no multiples of 3"),
        (lambda x, g: tl.pixel_shuffle(x[0, 0], 1), ShapeError, r"Pass \(..., C, H, W\)"),
        (lambda x, g: tl.channel_shuffle(x, 2), ShapeError, "3 channels|2 equal groups"),
    ],
)
def test_images_that_do_not_fit_are_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(np.zeros((1, 3, 2, 4)), np.zeros((1, 2, 2, 2)))


# ---- pixels ------------------------------------------------------------------------------


@given(st.integers(1, 3), st.integers(0, 2), st.integers(0, 3), st.integers(0, 3))
def test_unshuffle_undoes_shuffle(r: int, channels: int, height: int, width: int) -> None:
    x = numbers(2, channels * r * r, height, width)
    out = tl.pixel_shuffle(x, r)
    assert out.shape == (2, channels, height * r, width * r)
    same(tl.pixel_unshuffle(out, r), x)


def test_channel_shuffle_is_undone_with_the_other_factor() -> None:
    x = numbers(2, 12, 3)
    same(tl.channel_shuffle(tl.channel_shuffle(x, 3), 4), x)
    assert math.isclose(float(tl.channel_shuffle(x, 3)[0, 1, 0]), x[0, 4, 0])
