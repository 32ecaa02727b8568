"""Convolutions as modules, against SciPy's correlation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import signal

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import ArgumentError, DTypeError, RangeError, ShapeError

RNG = np.random.default_rng(0)
INPUTS = {1: (2, 4, 7), 2: (2, 4, 6, 5), 3: (2, 4, 4, 3, 5)}
CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSE = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NUMPY_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def correlated(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The convolution of a batch, by SciPy, one pair of channels after the other."""
    return np.stack(
        [
            np.stack(
                [
                    sum(signal.correlate(c, k, mode="valid") for c, k in zip(s, w, strict=True)) + b
                    for w, b in zip(weight, bias, strict=True)
                ]
            )
            for s in x
        ]
    )


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("mode", NUMPY_MODES)
def test_convolution(axes: int, mode: str) -> None:
    layer = CONV[axes](4, 3, 2, padding=1, padding_mode=mode, dtype=tl.float64)
    x = RNG.normal(size=INPUTS[axes])
    padded = np.pad(x, ((0, 0), (0, 0)) + ((1, 1),) * axes, mode=NUMPY_MODES[mode])
    expected = correlated(padded, layer.weight.numpy(), layer.bias.numpy())
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer(x[0]).numpy(), expected[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", NUMPY_MODES)
@pytest.mark.parametrize("kernel", [(3, 2), (4, 5)])
def test_same_keeps_the_lengths(mode: str, kernel: tuple[int, int]) -> None:
    layer = nn.Conv2d(4, 2, kernel, padding="same", padding_mode=mode, dtype=tl.float64)
    x = RNG.normal(size=INPUTS[2])
    widths = [((k - 1) // 2, k - 1 - (k - 1) // 2) for k in kernel]
    padded = np.pad(x, ((0, 0), (0, 0), *widths), mode=NUMPY_MODES[mode])
    expected = correlated(padded, layer.weight.numpy(), layer.bias.numpy())
    assert expected.shape[2:] == x.shape[2:]
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_transposed_convolution_is_the_adjoint(axes: int) -> None:
    settings = {"stride": 2, "padding": 1, "bias": False, "dtype": tl.float64}
    down = CONV[axes](4, 6, 3, groups=2, **settings)
    up = TRANSPOSE[axes](6, 4, 3, groups=2, **settings)
    up.weight.assign(down.weight)
    x = RNG.normal(size=INPUTS[axes])
    y = RNG.normal(size=down(x).shape)
    back = up(y, output_size=x.shape[2:]).numpy()
    np.testing.assert_allclose((down(x).numpy() * y).sum(), (x * back).sum())


def test_lengths_of_a_transposed_convolution() -> None:
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2, output_padding=1)
    assert layer(tl.ones(1, 1, 5)).shape == (1, 1, 12)
    assert layer(tl.ones(1, 1, 5), output_size=[11]).shape == (1, 1, 11)
    assert layer(tl.ones(1, 1, 5), output_size=(1, 1, 12)).shape == (1, 1, 12)
    with pytest.raises(RangeError, match=r"Pass lengths from \(11,\) to \(12,\)"):
        layer(tl.ones(1, 1, 5), output_size=[13])
    with pytest.raises(ShapeError, match="Pass 1 lengths"):
        layer(tl.ones(1, 1, 5), output_size=[13, 4])


@pytest.mark.parametrize(
    ("build", "fan_in"),
    [
        (lambda: nn.Conv2d(30, 20, 5), 30 * 25),
        (lambda: nn.Conv2d(30, 20, 5, groups=10), 3 * 25),
        (lambda: nn.Conv1d(8, 1000, 3), 24),
        (lambda: nn.ConvTranspose2d(30, 20, 5), 20 * 25),  # PyTorch counts the outputs here
    ],
)
def test_the_initial_numbers(build: Callable[[], nn.Module], fan_in: int) -> None:
    tl.manual_seed(0)
    layer = build()
    bound = 1 / np.sqrt(fan_in)
    weight = layer.weight.numpy()
    assert 0.97 * bound < abs(weight).max() <= bound
    assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.05)
    assert abs(layer.bias.numpy()).max() <= bound


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(2, 2, 2, 2, 1, groups=2),
        nn.Conv2d(2, 1, 2, padding="same", padding_mode="circular"),
        nn.Conv2d(2, 1, 2, padding=1, padding_mode="reflect"),
        nn.ConvTranspose1d(2, 1, 2, 2, 1, 1),
    ],
)
def test_gradients(layer: nn.Module) -> None:
    shape = (1, 2, 4) if layer._axes == 1 else (1, 2, 3, 3)
    assert tl.gradcheck(layer, RNG.normal(size=shape), order=2)


def test_what_it_prints() -> None:
    layer = nn.Conv2d(4, 6, 3, 2, 1, groups=2, bias=False, padding_mode="reflect")
    assert layer.extra_repr() == (
        "4, 6, kernel_size=(3, 3), stride=(2, 2), groups=2, bias=False, padding=(1, 1),"
        " padding_mode='reflect'"
    )


@pytest.mark.parametrize(
    ("build", "kind", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), RangeError, r"\[Conv2d\] in_channels=3 cannot be"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), RangeError, "out_channels=3 cannot be split"),
        (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ShapeError, "has 3 numbers for 2 axes"),
        (lambda: nn.Conv2d(3, 4, 0), RangeError, "kernel_size=0 is too small"),
        (lambda: nn.Conv2d(3, 4, 3, 2, "same"), ArgumentError, r"'same' with stride=\(2, 2\)"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), ArgumentError, "padding='full' is unknown"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="edge"), ArgumentError, "padding_mode='edge'"),
        (lambda: nn.Conv2d(3.5, 4, 3), ArgumentError, "in_channels=3.5 is no integer"),
        (lambda: nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect"), ArgumentError, "zeros only"),
    ],
)
def test_wrong_settings(build: Callable[[], nn.Module], kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        build()


def test_a_wrong_input_names_the_layer_its_weight_and_the_remedy() -> None:
    model = nn.Sequential(nn.Identity(), nn.Sequential(nn.Conv2d(1, 16, 3)))
    with pytest.raises(ShapeError) as caught:
        model(tl.ones(2, 3, 8, 8))
    assert str(caught.value) == (
        "[Sequential/1:Sequential/0:Conv2d] the input has 3 channels, of shape (2, 3, 8, 8), the"
        " weight (16, 1, 3, 3) takes 1. Build the layer with in_channels=3, or pass (N, C, H, W)"
        " with C = 1."
    )
    with pytest.raises(ShapeError, match=r"0:Conv2d\] .*neither \(N, C, H, W\) nor \(C, H, W\)"):
        model(tl.ones(8, 8))
    with pytest.raises(ShapeError, match=r"0:Conv2d\] a kernel that spans 3 does not fit"):
        model(tl.ones(1, 2, 8))
    with pytest.raises(DTypeError, match=r"0:Conv2d\] .*x.astype\(tl.float32\)"):
        model(np.ones((2, 1, 8, 8)))
    assert model(np.ones((2, 1, 8, 8), int)).dtype == np.float32
    with pytest.raises(ShapeError, match=r"\[ConvTranspose2d\] the input has 2 channels"):
        nn.ConvTranspose2d(3, 1, 2)(tl.ones(1, 2, 4, 4))
