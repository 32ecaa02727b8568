"""Convolutions: how the three ops belong together, what users call, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors, ops
from tinygrad_lesson.arrays.numpy import columns
from tinygrad_lesson.arrays.numpy import convolution as kernels
from tinygrad_lesson.nn import functional as F  # noqa: N812

from .oracles.convolution import conv as by_scipy
from .support import same, seeded

CONVS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSES = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@st.composite
def geometries(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Shapes of images and kernels that fit, and parameters."""
    axes, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    several = st.tuples(*[st.integers(1, 3)] * axes)
    kernel, stride, dilation = draw(several), draw(several), draw(several)
    padding = tuple(draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * axes)))
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    lengths = tuple(
        draw(st.integers(max(1, span - sum(pads)), span + 4))
        for span, pads in zip(spans, padding, strict=True)
    )
    inner, outer = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    params = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    images = (draw(st.integers(1, 3)), inner * groups, *lengths)
    return images, (outer * groups, inner, *kernel), params


@settings(max_examples=60)
@given(geometries())
def test_the_three_ops_are_one_trilinear_form(geometry: Any) -> None:
    images, kernel, params = geometry
    rng = seeded("trilinear")
    x, w = Tensor(rng.normal(size=images)), Tensor(rng.normal(size=kernel))
    out = ops.conv(x, w, **params)
    same(out, by_scipy(x.numpy(), w.numpy(), **params), 1e-10, 1e-10)
    g = Tensor(rng.normal(size=out.shape))
    form = float((out * g).sum())
    of_input = ops.conv_input_grad(g, w, **params, shape=images[2:])
    of_weight = ops.conv_weight_grad(g, x, **params, shape=kernel[2:])
    same(float((x * of_input).sum()), form, 1e-9, 1e-9)
    same(float((w * of_weight).sum()), form, 1e-9, 1e-9)


def test_chunks_of_images_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = seeded("chunks")
    x, w = rng.normal(size=(7, 2, 5, 6)), rng.normal(size=(4, 1, 2, 3))
    window = ((2, 1), ((1, 0), (1, 2)), (1, 2), 2)
    out = kernels.conv(x, w, *window)
    g = rng.normal(size=out.shape)
    whole = (
        out,
        kernels.conv_input_grad(g, w, *window, shape=(5, 6)),
        kernels.conv_weight_grad(g, x, *window, shape=(2, 3)),
    )
    for images in (1, 3, 7):
        monkeypatch.setattr(columns, "CACHE", images * 2 * 6 * 4 * 4 * 8)
        parts = (
            kernels.conv(x, w, *window),
            kernels.conv_input_grad(g, w, *window, shape=(5, 6)),
            kernels.conv_weight_grad(g, x, *window, shape=(2, 3)),
        )
        for part, full in zip(parts, whole, strict=True):
            same(part, full)


@pytest.mark.parametrize("short", [0, columns.SHORT])
@pytest.mark.parametrize("images", [1, 5])
@pytest.mark.parametrize(
    ("lengths", "kernel", "padding", "dilation"),
    [
        ((4, 5), (3, 3), ((1, 1), (1, 1)), (1, 1)),
        ((4, 5), (3, 2), ((2, 0), (0, 1)), (1, 1)),
        ((3, 2), (3, 3), ((2, 2), (3, 3)), (2, 3)),
        ((4, 5), (2, 1), ((0, 1), (0, 0)), (1, 1)),
        ((4, 5), (3, 3), ((0, 1), (2, 0)), (1, 2)),
        ((3, 3), (3, 3), ((1, 1), (10, 10)), (1, 10)),
        ((4, 5), (2, 3), ((-1, 0), (-1, 2)), (1, 1)),
    ],
)
def test_strips_find_what_columns_find(
    lengths: Any, kernel: Any, padding: Any, dilation: Any, images: int, short: int
) -> None:
    rng = seeded("strips")
    x, w = rng.normal(size=(images, 4, *lengths)), rng.normal(size=(4, 2, *kernel))
    window = ((1,) * len(kernel), padding, dilation, 2)
    out = kernels.conv(x, w, *window)
    g = rng.normal(size=out.shape)
    calls = [
        lambda: kernels.conv(x, w, *window),
        lambda: kernels.conv_weight_grad(g, x, *window, shape=kernel),
    ]
    if out.shape == x.shape:
        calls.append(lambda: kernels.conv_input_grad(g, w, *window, shape=lengths))
    for call in calls:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(columns, "CACHE", 1000)
            patch.setattr(columns, "SHORT", short)
            found = call()
            patch.setattr(kernels, "FEW", 1)
            patch.setattr(kernels, "Columns", None)
            same(call(), found, 1e-12, 1e-12)


def test_nothing_of_the_columns_stays_in_the_graph() -> None:
    x = Tensor(np.ones((2, 3, 8, 8), np.float32), requires_grad=True)
    w = Tensor(np.ones((4, 3, 3, 3), np.float32), requires_grad=True)
    node = F.conv2d(x, w, padding=1).node
    kept = [array for array in node.saved if hasattr(array, "nbytes")]
    assert {id(array) for array in kept} <= {id(x.raw), id(w.raw)}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype: Any) -> None:
    x = Tensor(np.full((1, 1, 5), 300, dtype), requires_grad=True)
    w = Tensor(np.ones((1, 1, 3), dtype), requires_grad=True)
    out = F.conv1d(x, w)
    out.sum().backward()
    assert out.dtype == x.grad.dtype == w.grad.dtype == dtype
    same(out, np.full((1, 1, 3), 900.0))


def test_half_precision_is_added_up_in_single_precision() -> None:
    x = Tensor(np.ones((1, 1, 4096), np.float16))
    same(F.conv1d(x, Tensor(np.ones((1, 1, 4096), np.float16))), [[[4096.0]]])


def test_integers_take_the_dtype_of_the_weight() -> None:
    out = F.conv1d(Tensor([[1, 2, 4]]), Tensor([[[1.0, -1.0]]]))
    assert out.dtype == tl.float32
    same(out, [[-1.0, -2.0]])


@pytest.mark.parametrize("axes", CONVS)
def test_no_images(axes: int) -> None:
    x = Tensor(np.zeros((0, 2, *(5,) * axes)), requires_grad=True)
    w = Tensor(np.ones((4, 2, *(3,) * axes)), requires_grad=True)
    out = CONVS[axes](x, w)
    assert out.shape == (0, 4, *(3,) * axes)
    out.sum().backward()
    assert x.grad.shape == x.shape
    same(w.grad, np.zeros(w.shape))


def test_no_channels() -> None:
    x = Tensor(np.zeros((2, 0, 4)), requires_grad=True)
    w = Tensor(np.zeros((3, 0, 2)), requires_grad=True)
    out = F.conv1d(x, w)
    same(out, np.zeros((2, 3, 3)))
    out.sum().backward()
    assert (x.grad.shape, w.grad.shape) == (x.shape, w.shape)


def test_more_kernels_than_places() -> None:
    rng = seeded("kernels")
    x, g = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 12, 2))
    window = {"stride": (2,), "padding": ((0, 0),), "dilation": (1,), "groups": 2}
    found = ops.conv_weight_grad(Tensor(g), Tensor(x), **window, shape=(3,))
    places = np.stack([x[:, :, :3], x[:, :, 2:]])  # (place, image, channel, tap)
    first = np.einsum("nop,pnct->oct", g[:, :6], places[:, :, :2])
    second = np.einsum("nop,pnct->oct", g[:, 6:], places[:, :, 2:])
    same(found, np.concatenate([first, second]))


@pytest.mark.parametrize("axes", CONVS)
def test_without_a_batch(axes: int) -> None:
    rng = seeded("single")
    x, w = rng.normal(size=(2, *(4,) * axes)), rng.normal(size=(4, 2, *(3,) * axes))
    b = rng.normal(size=4)
    same(
        CONVS[axes](Tensor(x), Tensor(w), Tensor(b)),
        CONVS[axes](Tensor(x[None]), Tensor(w), Tensor(b))[0],
    )
    same(
        TRANSPOSES[axes](Tensor(x), Tensor(w.swapaxes(0, 1)), Tensor(b)),
        TRANSPOSES[axes](Tensor(x[None]), Tensor(w.swapaxes(0, 1)), Tensor(b))[0],
    )


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_keeps_the_lengths(kernel: int, dilation: int) -> None:
    x, w = Tensor(np.ones((1, 1, 6, 7))), Tensor(np.ones((1, 1, kernel, kernel)))
    assert F.conv2d(x, w, padding="same", dilation=dilation).shape == x.shape


def test_valid_is_no_padding() -> None:
    x, w = Tensor(np.ones((1, 1, 6))), Tensor(np.ones((1, 1, 3)))
    same(F.conv1d(x, w, padding="valid"), F.conv1d(x, w))


def test_depthwise() -> None:
    rng = seeded("depthwise")
    x, w = rng.normal(size=(2, 3, 6)), rng.normal(size=(3, 1, 2))
    planes = [F.conv1d(Tensor(x[:, c : c + 1]), Tensor(w[c : c + 1])) for c in range(3)]
    same(F.conv1d(Tensor(x), Tensor(w), groups=3), tl.concat(planes, axis=1))


@pytest.mark.parametrize("layout", ["transposed", "reversed", "every second"])
def test_layout_does_not_matter(layout: str) -> None:
    rng = seeded("layout")
    x = rng.normal(size=(2, 3, 5, 4))
    view = {
        "transposed": np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1),
        "reversed": x[:, :, ::-1].copy()[:, :, ::-1],
        "every second": np.repeat(x, 2, axis=3)[..., ::2],
    }[layout]
    w = Tensor(rng.normal(size=(2, 3, 2, 2)))
    same(F.conv2d(Tensor.lift(view), w), F.conv2d(Tensor(x), w))


X1, W1 = Tensor(np.ones((2, 4, 9), np.float32)), Tensor(np.ones((6, 4, 3), np.float32))


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: F.conv2d(X1, W1), errors.ShapeError,
         r"\[conv2d\] the weight has shape \(6, 4, 3\)"),
        (lambda: F.conv1d(X1[0, 0], W1), errors.ShapeError, r"neither \(N, C, L\) nor \(C, L\)"),
        (lambda: F.conv1d(X1, W1[:, :3]), errors.ShapeError,
         r"\[conv1d\] the input has shape \(2, 4, 9\), with 4 channels, .* takes 3"),
        (lambda: F.conv1d(X1, W1, groups=2), errors.ShapeError, "with groups=2 takes 8"),
        (lambda: F.conv1d(X1, W1[:5, :2], groups=2), errors.ShapeError,
         "the 5 kernels .* cannot be split into groups=2"),
        (lambda: F.conv1d(X1[..., :2], W1), errors.ShapeError, "spans 3 does not fit"),
        (lambda: F.conv1d(X1, W1, dilation=5), errors.ShapeError, "spans 11 does not fit"),
        (lambda: F.conv1d(X1, W1, stride=0), errors.RangeError, "Pass stride >= 1"),
        (lambda: F.conv1d(X1, W1, stride=-1), errors.RangeError, "stride=-1 is negative"),
        (lambda: F.conv1d(X1, W1, padding=-1), errors.RangeError, "padding=-1 is negative"),
        (lambda: F.conv1d(X1, W1, padding=0.5), errors.ArgumentError, "no integer but a float"),
        (lambda: F.conv1d(X1, W1, padding=(1, 1)), errors.ShapeError, "2 numbers for 1 axes"),
        (lambda: F.conv1d(X1, W1, padding="full"), errors.ArgumentError, "'same' or 'valid'"),
        (lambda: F.conv1d(X1, W1, stride=2, padding="same"), errors.ArgumentError, "stride 1"),
        (lambda: F.conv1d(X1.astype("float64"), W1), errors.DTypeError,
         "the input is float64, the weight float32"),
        (lambda: F.conv1d(X1, W1, bias=W1[0, 0]), errors.ShapeError,
         r"bias has shape \(3,\) for 6 output channels"),
        (lambda: F.conv1d(X1.astype("int64"), W1.astype("int64")), errors.DTypeError,
         r"\[conv1d\] the weight is int64"),
        (lambda: F.conv_transpose1d(X1, W1), errors.ShapeError,
         r"\[conv_transpose1d\] the input .* with 4 channels, .* takes 6"),
        (lambda: F.conv_transpose1d(X1, W1[:4], output_padding=1), errors.RangeError,
         "smaller than one of the two"),
        (lambda: F.conv_transpose1d(X1, W1[:4], padding=6), errors.ShapeError, r"lengths \(-1,\)"),
        (lambda: F.conv_transpose1d(X1, W1[:4], groups=3), errors.ShapeError,
         "the 4 channels .* groups=3"),
        (lambda: ops.conv(X1, W1, (1,), ((0, 0),), (1, 1)), errors.ShapeError,
         r"\[conv\] shapes \(2, 4, 9\) and \(6, 4, 3\) do not fit: .*dilation=\(1, 1\)"),
        (lambda: ops.conv_input_grad(X1, W1, (1,), ((0, 0),), (1,), shape=(11,)),
         errors.ShapeError, r"\[conv_input_grad\]"),
        (lambda: ops.conv_weight_grad(X1, X1, (1,), ((0, 0),), (1,), shape=(2,)),
         errors.ShapeError, r"\[conv_weight_grad\]"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        call()


# ---- beside PyTorch ----------------------------------------------------------------------

COMBINATIONS = [
    {},
    {"stride": 2, "padding": 1},
    {"stride": 3, "padding": 2, "dilation": 2},
    {"padding": 1, "groups": 2},
    {"stride": 2, "dilation": 2, "groups": 4, "padding": 3},
]


def with_gradients(
    ours: Any, theirs: Any, arrays: list[np.ndarray], params: dict[str, Any]
) -> None:
    """The values and gradients of two functions agree."""
    torch = pytest.importorskip("torch")
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*tensors, **params), theirs(*peers, **params)
    same(out, expected.detach().numpy(), 1e-10, 1e-10)
    g = seeded("peers").normal(size=out.shape)
    out.backward(Tensor(g))
    expected.backward(torch.tensor(g))
    for tensor, peer in zip(tensors, peers, strict=True):
        same(tensor.grad, peer.grad.numpy(), 1e-10, 1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize("params", COMBINATIONS, ids=str)
@pytest.mark.parametrize("axes", CONVS)
def test_conv_beside_torch(axes: int, params: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    rng = seeded("conv", axes)
    groups = params.get("groups", 1)
    x = rng.normal(size=(2, 4, *(7, 6, 5)[:axes]))
    w = rng.normal(size=(8, 4 // groups, *(3, 2, 3)[:axes]))
    theirs = getattr(torch.nn.functional, f"conv{axes}d")
    with_gradients(CONVS[axes], theirs, [x, w, rng.normal(size=8)], params)


@pytest.mark.oracle
@pytest.mark.parametrize("kernel", [2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
def test_same_beside_torch(kernel: int, dilation: int) -> None:
    torch = pytest.importorskip("torch")
    rng = seeded("same", kernel)
    arrays = [rng.normal(size=(2, 1, 6, 5)), rng.normal(size=(1, 1, kernel, 2))]
    params = {"padding": "same", "dilation": dilation}
    with_gradients(F.conv2d, torch.nn.functional.conv2d, arrays, params)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "params",
    [*COMBINATIONS, {"stride": 3, "output_padding": 2}, {"dilation": 3, "output_padding": 2}],
    ids=str,
)
@pytest.mark.parametrize("axes", TRANSPOSES)
def test_conv_transpose_beside_torch(axes: int, params: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    rng = seeded("transpose", axes)
    x = rng.normal(size=(2, 4, *(4, 5, 6)[:axes]))
    w = rng.normal(size=(4, 2, *(3, 2, 3)[:axes]))
    outer = 2 * params.get("groups", 1)
    theirs = getattr(torch.nn.functional, f"conv_transpose{axes}d")
    with_gradients(TRANSPOSES[axes], theirs, [x, w, rng.normal(size=outer)], params)
