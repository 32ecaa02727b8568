"""Pooling, borders and resampling as modules, against NumPy on windows and indices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import ArgumentError, IndexingError, RangeError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 6, 8))


def windows(x: np.ndarray, size: int, step: int) -> np.ndarray:
    """Windows along the last two axes, flattened into the last one."""
    found = sliding_window_view(x, (size, size), (2, 3))[:, :, ::step, ::step]
    return found.reshape(*found.shape[:4], size * size)


CASES: dict[str, tuple[nn.Module, Callable[[np.ndarray], np.ndarray]]] = {
    "max": (nn.MaxPool2d(2), lambda x: windows(x, 2, 2).max(-1)),
    "max_dense": (nn.MaxPool2d(3, stride=1), lambda x: windows(x, 3, 1).max(-1)),
    "avg": (nn.AvgPool2d(2), lambda x: windows(x, 2, 2).mean(-1)),
    "avg_by": (nn.AvgPool2d(2, divisor_override=3), lambda x: windows(x, 2, 2).sum(-1) / 3),
    "lp": (nn.LPPool2d(2, 2), lambda x: np.sqrt((windows(x, 2, 2) ** 2).sum(-1))),
    "adaptive_avg": (nn.AdaptiveAvgPool2d((3, 4)), lambda x: windows(x, 2, 2).mean(-1)),
    "adaptive_max": (nn.AdaptiveMaxPool2d((3, None)), lambda x: x.reshape(2, 4, 3, 2, 8).max(3)),
    "zero": (nn.ZeroPad2d((1, 2, 0, 3)), lambda x: np.pad(x, ((0, 0), (0, 0), (0, 3), (1, 2)))),
    "constant": (
        nn.ConstantPad1d(2, 7.0),
        lambda x: np.pad(x, ((0, 0),) * 3 + ((2, 2),), constant_values=7.0),
    ),
    "reflection": (
        nn.ReflectionPad2d(2),
        lambda x: np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="reflect"),
    ),
    "replication": (
        nn.ReplicationPad2d((1, 2, 3, 4)),
        lambda x: np.pad(x, ((0, 0), (0, 0), (3, 4), (1, 2)), mode="edge"),
    ),
    "circular": (
        nn.CircularPad2d(1),
        lambda x: np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="wrap"),
    ),
    "upsample": (nn.Upsample(scale_factor=2), lambda x: x.repeat(2, 2).repeat(2, 3)),
    "nearest": (nn.UpsamplingNearest2d((12, 8)), lambda x: x.repeat(2, 2)),
    "shuffle": (
        nn.PixelShuffle(2),
        lambda x: x.reshape(2, 1, 2, 2, 6, 8).transpose(0, 1, 4, 2, 5, 3).reshape(2, 1, 12, 16),
    ),
    "unshuffle": (
        nn.PixelUnshuffle(2),
        lambda x: x.reshape(2, 4, 3, 2, 4, 2).transpose(0, 1, 3, 5, 2, 4).reshape(2, 16, 3, 4),
    ),
    "channel_shuffle": (nn.ChannelShuffle(2), lambda x: x[:, [0, 2, 1, 3]]),
    "unfold": (
        nn.Unfold(2, stride=2),
        lambda x: windows(x, 2, 2).transpose(0, 1, 4, 2, 3).reshape(2, 16, 12),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_formula(name: str) -> None:
    layer, formula = CASES[name]
    np.testing.assert_allclose(layer(X).numpy(), formula(X), rtol=1e-12)
    assert len(repr(layer)) > len(type(layer).__name__) + 2


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
    assert tl.gradcheck(CASES[name][0], X[:1], mode="fast")


def test_other_numbers_of_axes() -> None:
    signals, volumes = X[0], X.reshape(2, 2, 2, 6, 8)
    np.testing.assert_array_equal(
        nn.MaxPool1d(2)(signals).numpy(), signals.reshape(4, 6, 4, 2).max(-1)
    )
    np.testing.assert_allclose(
        nn.AvgPool3d(2)(volumes).numpy(), volumes.reshape(2, 2, 1, 2, 3, 2, 4, 2).mean((3, 5, 7))
    )
    np.testing.assert_array_equal(
        nn.ReflectionPad1d((1, 0))(signals).numpy(), signals[..., [1, *range(8)]]
    )


def test_indices_and_settings() -> None:
    largest, places = nn.MaxPool2d(2, return_indices=True)(X)
    np.testing.assert_array_equal(
        np.take_along_axis(X.reshape(2, 4, 48), places.numpy().reshape(2, 4, 12), -1),
        largest.numpy().reshape(2, 4, 12),
    )
    _, places = nn.AdaptiveMaxPool2d(1, return_indices=True)(X)
    np.testing.assert_array_equal(places.numpy().ravel(), X.reshape(8, 48).argmax(-1))
    assert nn.MaxPool2d(3).stride == 3
    assert repr(nn.AdaptiveAvgPool2d(1)) == "AdaptiveAvgPool2d(output_size=1)"
    assert repr(nn.Upsample(scale_factor=2)) == "Upsample(scale_factor=2, mode='nearest')"


def test_unpooling_puts_the_largest_back() -> None:
    for axes, pool, unpool in (
        (1, nn.MaxPool1d, nn.MaxUnpool1d),
        (2, nn.MaxPool2d, nn.MaxUnpool2d),
        (3, nn.MaxPool3d, nn.MaxUnpool3d),
    ):
        x = RNG.normal(size=(2, 3) + (5,) * axes)
        largest, places = pool(2, return_indices=True)(x)
        out = unpool(2)(largest, places, output_size=x.shape[2:]).numpy()
        assert out.shape == x.shape
        assert ((out == x) | (out == 0)).all()
        np.testing.assert_allclose(out.sum(), largest.numpy().sum())
        single = unpool(2)(largest[0], places[0], x.shape[2:])
        np.testing.assert_array_equal(single.numpy(), out[0])
    largest, places = nn.MaxPool1d(2, return_indices=True)(X[0])
    assert tl.gradcheck(lambda x: nn.MaxUnpool1d(2)(x, places), largest, order=2)
    with pytest.raises(RangeError, match=r"\[MaxUnpool1d\] output_size=\(12,\).*near \(8,\)"):
        nn.MaxUnpool1d(2)(largest, places, [12])
    with pytest.raises(IndexingError, match=r"for the 8 places of an output \(8,\)"):
        nn.MaxUnpool1d(2)(largest, places + 8)
    with pytest.raises(IndexingError, match="indices from -"):
        nn.MaxUnpool1d(2)(largest, places - 8)
    with pytest.raises(ShapeError, match="Pass both as the pooling gave them"):
        nn.MaxUnpool1d(2)(largest, places[:1])


def test_fold_undoes_unfold() -> None:
    columns = nn.Unfold(2, stride=2)(X)
    np.testing.assert_array_equal(nn.Fold((6, 8), 2, stride=2)(columns).numpy(), X)


def test_corners_stay_in_bilinear_upsampling() -> None:
    out = nn.UpsamplingBilinear2d(scale_factor=2)(X).numpy()
    np.testing.assert_allclose(out[..., ::11, ::15], X[..., ::5, ::7])


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.MaxPool2d(3), (2, 2), r"MaxPool2d\] the input has shape \(2, 2\)"),
        (nn.MaxPool2d(3), (1, 2, 2), r"MaxPool2d\] a window that spans 3 does not fit"),
        (nn.AvgPool1d(3), (1, 2), r"AvgPool1d\] a window that spans 3"),
        (nn.AdaptiveAvgPool2d(2), (4,), r"AdaptiveAvgPool2d\] the input has shape \(4,\)"),
        (nn.ReflectionPad2d(1), (4, 4), r"ReflectionPad2d\] the input has shape \(4, 4\)"),
        (nn.PixelShuffle(2), (3, 4, 4), r"PixelShuffle pixel_shuffle\] 3 channels"),
        (nn.ChannelShuffle(2), (1, 3, 4), r"ChannelShuffle channel_shuffle\] shape \(1, 3, 4\)"),
        (nn.Upsample(2), (3, 4), r"Upsample interpolate\] the input has shape \(3, 4\)"),
    ],
)
def test_a_wrong_shape_names_the_layer(
    layer: nn.Module, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ShapeError, match=r"^\[Sequential/1:" + message):
        nn.Sequential(nn.Identity(), layer)(tl.ones(shape))


def test_wrong_settings() -> None:
    with pytest.raises(ShapeError, match=r"\[ZeroPad2d\] padding=\(1, 2\) has 2 widths"):
        nn.ZeroPad2d((1, 2))
    with pytest.raises(ArgumentError, match=r"\[ZeroPad1d\] padding=1.5 is no integer"):
        nn.ZeroPad1d(1.5)
    with pytest.raises(RangeError, match=r"\[PixelShuffle\] upscale_factor=-1 is negative"):
        nn.PixelShuffle(-1)
