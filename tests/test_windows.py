"""Sliding windows, and what is made of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors, ops
from tinygrad_lesson.nn import functional as F  # noqa: N812

from .oracles import windows as oracle
from .support import same, seeded


@given(st.data())
def test_overlap_add_is_the_adjoint_of_windows(data):
    shape = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    axes = data.draw(st.permutations(range(len(shape))))[: data.draw(st.integers(1, len(shape)))]
    dilation = tuple(data.draw(st.integers(1, 3)) for _ in axes)
    sizes = tuple(
        data.draw(st.integers(1, (shape[a] - 1) // d + 1))
        for a, d in zip(axes, dilation, strict=True)
    )
    given = {
        "axis": tuple(axes),
        "stride": tuple(data.draw(st.integers(1, 4)) for _ in axes),
        "dilation": dilation,
    }
    x = seeded(shape).uniform(-1, 1, shape)
    ax = tl.windows(x, sizes, **given)
    same(ax, oracle.windows(x, sizes, **given))
    y = seeded(ax.shape).uniform(-1, 1, ax.shape)
    aty = tl.overlap_add(y, tuple(shape), **given)
    same((ax * y).sum(), (aty * x).sum(), 1e-10, 1e-10)


def test_windows_are_a_view_that_nobody_can_write_into():
    x = Tensor(np.arange(1e6))
    out = tl.windows(x, 1000)
    assert out.shape == (999_001, 1000)
    assert np.shares_memory(out.raw, x.raw)
    assert not out.raw.flags.writeable


def test_a_moving_average():
    x = Tensor([1.0, 2.0, 4.0, 8.0], requires_grad=True)
    average = tl.windows(x, 2).mean(axis=-1)
    assert average.tolist() == [1.5, 3.0, 6.0]
    average.sum().backward()
    assert x.grad.tolist() == [0.5, 1.0, 1.0, 0.5]


def test_a_method_as_in_pytorch():
    assert tl.arange(5).unfold(0, 3, 2).tolist() == [[0, 1, 2], [2, 3, 4]]


def test_folding_takes_nested_lists():
    image = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]
    columns = F.unfold(image, 2).tolist()
    assert columns == [[1.0, 2.0], [2.0, 3.0], [4.0, 5.0], [5.0, 6.0]]
    assert F.fold(columns, (2, 3), 2).tolist() == [[[1.0, 4.0, 3.0], [4.0, 10.0, 6.0]]]


def test_folding_counts_how_often_a_place_was_unfolded():
    ones = Tensor(np.ones((1, 1, 4, 4)))
    counts = F.fold(F.unfold(ones, 2), (4, 4), 2)
    assert counts.tolist()[0][0][0] == [1.0, 2.0, 2.0, 1.0]
    assert counts.tolist()[0][0][1] == [2.0, 4.0, 4.0, 2.0]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: tl.windows([1.0], 4), errors.ShapeError, "[windows] a window of 4 elements"),
        (lambda: tl.windows([1.0], 0), errors.RangeError, "[windows] window_shape=0"),
        (lambda: tl.windows([1.0], 1, stride=0), errors.RangeError, "[windows] stride=0"),
        (lambda: tl.windows([1.0], (1, 1)), errors.AxisError, "[windows] axis=-2"),
        (lambda: tl.windows([[1.0]], 1, stride=(1,) * 3), errors.ShapeError, "for 2 axes"),
        (lambda: tl.windows([1.0], 1.5), errors.ArgumentError, "window_shape=1.5 is no integer"),
        (lambda: tl.overlap_add([[1.0]], (7,)), errors.ShapeError, "[overlap_add] windows of"),
        (lambda: F.unfold([1.0], 1), errors.ShapeError, "[unfold] the input has shape (1,)"),
        (lambda: F.unfold(tl.zeros(1, 2, 2), (1, 1, 1)), errors.ShapeError, "rows and columns"),
        (lambda: F.unfold(tl.zeros(1, 2, 2), 3), errors.ShapeError, "longer than axis 2"),
        (lambda: F.fold(tl.zeros(1, 3, 1), 2, 2), errors.ShapeError, "[fold] columns of shape"),
        (lambda: F.pad([1.0], (1,)), errors.ShapeError, "[pad] pad=(1,) does not fit"),
        (lambda: F.pad([1.0], (1, 1), "wrap"), errors.ArgumentError, "[pad] mode='wrap'"),
        (lambda: F.pad([1.0], (-1, 1), "reflect"), errors.ArgumentError, "(-1, 1) is negative"),
        (lambda: F.pad([1.0], (-1, -1)), errors.ShapeError, "cuts more than"),
        (lambda: F.pad([1.0], (1.5, 1)), errors.ArgumentError, "[pad] pad=1.5 is no integer"),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)


# ---- beside PyTorch ------------------------------------------------------------------------


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("kernel", "dilation", "padding", "stride"),
    [(2, 1, 0, 1), ((2, 3), 1, (1, 0), (2, 1)), (3, (1, 2), 2, 2)],
)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_unfold_and_fold(kernel, dilation, padding, stride, batch):
    torch = pytest.importorskip("torch")
    image = seeded("image").uniform(-1, 1, (*batch, 3, 5, 6))
    ours, peer = Tensor(image, requires_grad=True), torch.tensor(image, requires_grad=True)
    args = kernel, dilation, padding, stride
    columns, expected = F.unfold(ours, *args), torch.nn.functional.unfold(peer, *args)
    same(columns, expected.detach().numpy())
    image, theirs = (
        F.fold(columns, (5, 6), *args),
        torch.nn.functional.fold(expected, (5, 6), *args),
    )
    same(image, theirs.detach().numpy())
    (image**2).sum().backward()
    (theirs**2).sum().backward()
    same(ours.grad, peer.grad.numpy(), 1e-10, 1e-10)


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("pad", "mode"),
    [
        ((1, 2), "constant"), ((1, 0, 2, 3), "constant"), ((-1, 2, 1, -2), "constant"),
        ((2, 1), "reflect"), ((1, 2, 0, 2), "reflect"), ((3, 1), "replicate"),
        ((1, 3, 2, 2), "replicate"), ((2, 1), "circular"), ((4, 0, 1, 3), "circular"),
    ],
)  # fmt: skip
def test_pad_as_in_pytorch(pad, mode):
    torch = pytest.importorskip("torch")
    x = seeded("pad").uniform(-1, 1, (2, 2, 3, 4))
    x = x if len(pad) == 4 else x[0]
    ours, peer = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    value = 0.5 if mode == "constant" else 0
    out = F.pad(ours, pad, mode, value)
    expected = torch.nn.functional.pad(peer, pad, mode, value or None)
    same(out, expected.detach().numpy())
    (out**2).sum().backward()
    (expected**2).sum().backward()
    same(ours.grad, peer.grad.numpy())


def test_integers_have_windows_too():
    assert ops.windows(tl.arange(3), 2).dtype == tl.int64
