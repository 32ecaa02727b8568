"""Normalisation as modules: formulas, running statistics, modes, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import DTypeError, RangeError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 4, 2, 5)) * 2 + 1


def standard(x: np.ndarray, axes: Any, eps: float = 1e-5) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


CASES: dict[str, tuple[nn.Module, Callable[[np.ndarray], np.ndarray]]] = {
    "layer": (nn.LayerNorm(5), lambda x: standard(x, -1)),
    "layer_of_two": (nn.LayerNorm((2, 5), eps=0.1), lambda x: standard(x, (-1, -2), 0.1)),
    "rms": (nn.RMSNorm(5, 0.1), lambda x: x / np.sqrt((x * x).mean(-1, keepdims=True) + 0.1)),
    "group": (
        nn.GroupNorm(2, 4),
        lambda x: standard(x.reshape(3, 2, 2, 2, 5), (2, 3, 4)).reshape(x.shape),
    ),
    "batch": (nn.BatchNorm2d(4), lambda x: standard(x, (0, 2, 3))),
    "instance": (nn.InstanceNorm2d(4, affine=True), lambda x: standard(x, (2, 3))),
}


@pytest.mark.parametrize("name", CASES)
def test_formula_with_weight_and_bias(name: str) -> None:
    layer, formula = CASES[name]
    layer.double()
    shape = layer.weight.shape
    weight, bias = RNG.normal(size=(2, *shape))
    layer.weight.assign(weight)
    expected = formula(IMAGES)
    channels = (-1, 1, 1) if name in ("group", "batch", "instance") else shape
    expected = expected * weight.reshape(channels)
    if getattr(layer, "bias", None) is not None:
        layer.bias.assign(bias)
        expected = expected + bias.reshape(channels)
    np.testing.assert_allclose(layer(IMAGES).numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.LayerNorm(3), (2, 3)),
        (nn.LayerNorm(3, bias=False), (2, 3)),
        (nn.RMSNorm(3), (2, 3)),
        (nn.GroupNorm(2, 4), (2, 4, 2)),
        (nn.BatchNorm1d(2), (4, 2)),
        (nn.BatchNorm2d(2, track_running_stats=False), (2, 2, 2, 1)),
        (nn.BatchNorm1d(2).eval(), (3, 2)),
        (nn.InstanceNorm1d(2, affine=True), (2, 2, 3)),
        (nn.LocalResponseNorm(2, 0.5), (1, 3, 2)),
    ],
)
def test_gradients(layer: nn.Module, shape: tuple[int, ...]) -> None:
    assert tl.gradcheck(layer, RNG.normal(size=shape), order=2)


def test_parameters_change_nothing_at_first() -> None:
    for layer, _ in CASES.values():
        fresh = type(layer)(*((2, 4) if isinstance(layer, nn.GroupNorm) else (4,)))
        if getattr(fresh, "weight", None) is not None:
            assert fresh.weight.tolist() == [1.0] * 4
        if getattr(fresh, "bias", None) is not None:
            assert fresh.bias.tolist() == [0.0] * 4
    assert nn.LayerNorm(4, elementwise_affine=False).weight is None
    assert nn.LayerNorm(4, bias=False).bias is None
    assert nn.RMSNorm(4, elementwise_affine=False).weight is None
    assert list(nn.BatchNorm1d(2, affine=False).state_dict()) == [
        "running_mean", "running_var", "num_batches_tracked",
    ]  # fmt: skip
    assert not nn.BatchNorm1d(2, affine=False, track_running_stats=False).state_dict()


# ---- running statistics ------------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.1, 0.7, None])
def test_running_statistics(momentum: float | None) -> None:
    layer = nn.BatchNorm2d(4, momentum=momentum, dtype=tl.float64)
    mean, var = np.zeros(4), np.ones(4)
    for step in range(1, 5):
        x = RNG.normal(size=(3, 4, 2, 2)) * step
        layer(x)
        m = 1 / step if momentum is None else momentum
        mean = (1 - m) * mean + m * x.mean((0, 2, 3))
        var = (1 - m) * var + m * x.var((0, 2, 3), ddof=1)
        np.testing.assert_allclose(layer.running_mean.numpy(), mean)
        np.testing.assert_allclose(layer.running_var.numpy(), var)
        assert int(layer.num_batches_tracked) == step
    assert layer.num_batches_tracked.dtype == np.int64
    layer.eval()
    x = RNG.normal(size=(1, 4, 1, 1))
    expected = (x - mean.reshape(-1, 1, 1)) / np.sqrt(var.reshape(-1, 1, 1) + 1e-5)
    np.testing.assert_allclose(layer(x).numpy(), expected)
    assert int(layer.num_batches_tracked) == 4
    layer.reset_running_stats()
    assert layer.running_var.tolist() == [1.0] * 4
    assert int(layer.num_batches_tracked) == 0


def test_statistics_are_no_part_of_the_graph() -> None:
    layer = nn.BatchNorm1d(3)
    first = layer(tl.randn(5, 3, requires_grad=True))
    layer(tl.randn(5, 3))
    first.sum().backward()  # what it needs was not written into
    assert not layer.running_mean.requires_grad
    assert layer.running_mean.is_leaf


def test_without_statistics_the_batch_counts_always() -> None:
    layer = nn.BatchNorm2d(4, track_running_stats=False, dtype=tl.float64)
    np.testing.assert_array_equal(layer(IMAGES).numpy(), layer.eval()(IMAGES).numpy())


def test_a_failed_call_counts_no_batch() -> None:
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ShapeError, match=r"\[BatchNorm1d\] shape \(1, 3\) has 1 number a channel"):
        layer(tl.ones(1, 3))
    assert int(layer.num_batches_tracked) == 0


def test_statistics_of_instances() -> None:
    layer = nn.InstanceNorm2d(4, track_running_stats=True, momentum=0.5, dtype=tl.float64)
    layer(IMAGES)
    np.testing.assert_allclose(
        layer.running_mean.numpy(), 0.5 * IMAGES.mean((2, 3)).mean(0), rtol=1e-12
    )
    np.testing.assert_allclose(
        layer.running_var.numpy(), 0.5 + 0.5 * IMAGES.var((2, 3), ddof=1).mean(0), rtol=1e-12
    )
    layer.eval()
    single = layer(IMAGES[0])
    np.testing.assert_allclose(single.numpy(), layer(IMAGES).numpy()[0])
    expected = F.batch_norm(IMAGES, layer.running_mean, layer.running_var)
    np.testing.assert_allclose(layer(IMAGES).numpy(), expected.numpy())


# ---- refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.BatchNorm2d(4), (2, 3, 5, 5),
         r"the input has 3 channels.*Build the layer with num_features=3, or pass \(N, C, H, W\)"),
        (nn.BatchNorm2d(4), (2, 4), r"the input has shape \(2, 4\). Pass \(N, C, H, W\); a single"),
        (nn.BatchNorm1d(4), (2, 4, 2, 2), r"Pass \(N, C\) or \(N, C, L\)"),
        (nn.InstanceNorm1d(4), (2, 3, 5), r"num_features=3"),
        (nn.InstanceNorm2d(4), (2, 4), r"neither \(N, C, H, W\) nor \(C, H, W\)"),
        (nn.GroupNorm(2, 4), (2, 6), r"num_channels=6"),
        (nn.GroupNorm(2, 4), (2,), r"Pass \(N, C, ...\)"),
        (nn.LayerNorm(4), (2, 3), r"does not end in \(4,\).*here they are \(3,\)"),
        (nn.RMSNorm((4, 4)), (2, 4), r"does not end in \(4, 4\)"),
    ],
)  # fmt: skip
def test_a_wrong_shape_names_the_layer(
    layer: nn.Module, shape: tuple[int, ...], message: str
) -> None:
    path = rf"\[Sequential/1:{type(layer).__name__}\] .*"
    with pytest.raises(ShapeError, match=path + message):
        nn.Sequential(nn.Identity(), layer)(tl.ones(shape))


@pytest.mark.parametrize(
    "layer", [nn.LayerNorm(4), nn.RMSNorm(4), nn.GroupNorm(2, 4), nn.BatchNorm1d(4),
              nn.BatchNorm1d(4, affine=False), nn.InstanceNorm1d(4, affine=True)],
)  # fmt: skip
def test_integers_are_cast_and_float64_is_refused(layer: nn.Module) -> None:
    shape = (2, 4, 4)
    assert layer(np.arange(32).reshape(shape)).dtype == np.float32
    with pytest.raises(DTypeError, match=rf"\[{type(layer).__name__}\].*x.astype\(tl.float32\)"):
        layer(np.ones(shape))


def test_wrong_settings() -> None:
    with pytest.raises(RangeError, match=r"\[GroupNorm\] num_channels=5 cannot be split into"):
        nn.GroupNorm(2, 5)
    with pytest.raises(RangeError, match=r"\[BatchNorm1d\] num_features=-1 is negative"):
        nn.BatchNorm1d(-1)


def test_what_they_print() -> None:
    assert nn.LayerNorm(4).extra_repr() == "(4,), eps=1e-05"
    assert nn.GroupNorm(2, 4, affine=False).extra_repr() == "2, 4, eps=1e-05, affine=False"
    assert nn.BatchNorm1d(4).extra_repr() == (
        "4, eps=1e-05, momentum=0.1, track_running_stats=True"
    )
    assert repr(Tensor(nn.BatchNorm1d(1).running_var)) == "Tensor([1.], dtype=float32)"
