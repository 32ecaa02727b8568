"""Affine and bilinear layers, other shapes, distances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial import distance

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import AxisError, DTypeError, RangeError, ShapeError

RNG = np.random.default_rng(0)


def test_bilinear_formula() -> None:
    layer = nn.Bilinear(4, 3, 2, dtype=tl.float64)
    x, y = RNG.normal(size=(2, 5, 4)), RNG.normal(size=(2, 5, 3))
    expected = np.einsum("...i,oij,...j->...o", x, layer.weight.numpy(), y) + layer.bias.numpy()
    np.testing.assert_allclose(layer(x, y).numpy(), expected)
    np.testing.assert_allclose(layer(x[0, 0], y[0, 0]).numpy(), expected[0, 0])
    assert nn.Bilinear(4, 3, 2, bias=False).bias is None
    assert tl.gradcheck(nn.Bilinear(2, 2, 2), [RNG.normal(size=(2, 2))] * 2, order=2)


def test_bilinear_begins_within_its_bound() -> None:
    tl.manual_seed(0)
    weight = nn.Bilinear(25, 30, 40).weight.numpy()
    assert 0.19 < abs(weight).max() <= 0.2
    assert weight.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.02)


def test_bilinear_refuses() -> None:
    layer = nn.Bilinear(4, 3, 2)
    with pytest.raises(ShapeError, match=r"\[Bilinear\] .*Pass \(..., 4\) and \(..., 3\)"):
        layer(tl.ones(5, 4), tl.ones(5, 4))
    with pytest.raises(ShapeError, match="alike in all other axes"):
        layer(tl.ones(5, 4), tl.ones(1, 3))
    with pytest.raises(DTypeError, match=r"x.astype\(tl.float32\)"):
        layer(np.ones((5, 4)), tl.ones(5, 3))
    assert layer(np.ones((5, 4), int), tl.ones(5, 3)).dtype == np.float32


def test_identity_takes_any_arguments() -> None:
    x = tl.ones(3)
    assert nn.Identity(3, eps=1)(x) is x


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Flatten(), (2, 60)),
        (nn.Flatten(0), (120,)),
        (nn.Flatten(1, 2), (2, 12, 5)),
        (nn.Flatten(-2), (2, 3, 20)),
        (nn.Flatten(2, 2), (2, 3, 4, 5)),
        (nn.Unflatten(3, (5, 1)), (2, 3, 4, 5, 1)),
        (nn.Unflatten(-2, (2, -1)), (2, 3, 2, 2, 5)),
    ],
)
def test_other_shapes(layer: nn.Module, shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=(2, 3, 4, 5))
    np.testing.assert_array_equal(layer(x).numpy(), x.reshape(shape))


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: nn.Sequential(nn.Flatten())(tl.ones(3)), AxisError,
         r"\[Sequential/0:Flatten flatten\] start_axis=1 does not exist among 1 axes"),
        (lambda: nn.Flatten(2, 1)(tl.ones(1, 1, 1)), RangeError, "start_axis=2 comes after"),
        (lambda: nn.Sequential(nn.Unflatten(0, (2, 2)))(tl.ones(3)), ShapeError,
         r"\[Sequential/0:Unflatten unflatten\] axis 0 of shape \(3,\)"),
    ],
)  # fmt: skip
def test_shapes_that_cannot_be(call: Callable[[], tl.Tensor], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_distances() -> None:
    x, y = RNG.normal(size=(2, 5, 4))
    pairs = list(zip(x, y, strict=True))
    np.testing.assert_allclose(
        nn.CosineSimilarity()(x, y).numpy(), [1 - distance.cosine(a, b) for a, b in pairs]
    )
    np.testing.assert_allclose(
        nn.PairwiseDistance(3.0, eps=0.0)(x, y).numpy(),
        [distance.minkowski(a, b, 3) for a, b in pairs],
    )
    assert nn.PairwiseDistance(keepdim=True)(x, y).shape == (5, 1)


def test_what_they_print() -> None:
    assert repr(nn.Flatten()) == "Flatten(start_dim=1, end_dim=-1)"
    assert repr(nn.Unflatten(1, [2, 2])) == "Unflatten(dim=1, unflattened_size=(2, 2))"
    assert nn.Bilinear(4, 3, 2, False).extra_repr() == "4, 3, 2, bias=False"
    assert repr(nn.CosineSimilarity()) == "CosineSimilarity(dim=1, eps=1e-08)"
