"""Weight and spectral normalisation: their formulas, what they leave, and how they are undone."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import ArgumentError, AxisError
from tinygrad_lesson.nn import utils

X = np.random.default_rng(0).normal(size=(5, 4))


@pytest.fixture(autouse=True)
def _seed() -> None:
    tl.manual_seed(0)


def linear() -> nn.Linear:
    return nn.Linear(4, 3, dtype=tl.float64)


@pytest.mark.parametrize("dim", [0, 1, None, -1])
def test_weight_norm_changes_no_number_at_first(dim: int | None) -> None:
    plain = linear()
    before = plain.weight.numpy().copy()
    layer = utils.weight_norm(plain, dim=dim)
    assert layer is plain
    assert list(layer.state_dict()) == ["bias", "weight_g", "weight_v"]
    assert layer.weight_g.shape == {0: (3, 1), 1: (1, 4)}.get(dim, ())
    np.testing.assert_allclose(layer(X).numpy(), X @ before.T + layer.bias.numpy())
    layer.weight_g.assign(layer.weight_g * 2)
    np.testing.assert_allclose(layer(X).numpy(), 2 * X @ before.T + layer.bias.numpy())
    np.testing.assert_allclose(layer.weight.numpy(), 2 * before)


def test_gradients() -> None:
    assert tl.gradcheck(utils.weight_norm(linear()), X[:2], order=2)
    assert tl.gradcheck(utils.spectral_norm(linear()).eval(), X[:2], order=2)


def test_the_largest_singular_value_becomes_1() -> None:
    layer = utils.spectral_norm(linear(), n_power_iterations=50)
    layer(X)
    weight = layer.weight.numpy()
    assert np.linalg.norm(weight, 2) == pytest.approx(1, rel=1e-6)
    original = layer.weight_orig.numpy()
    np.testing.assert_allclose(weight, original / np.linalg.norm(original, 2), rtol=1e-6)
    assert list(layer.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    assert [n for n, _ in layer.named_buffers()] == ["weight_u", "weight_v"]


def test_power_iteration_is_for_training() -> None:
    layer = utils.spectral_norm(linear())
    u = layer.weight_u.numpy().copy()
    layer.eval()(X)
    np.testing.assert_array_equal(layer.weight_u.numpy(), u)
    layer.train()(X)
    assert not np.array_equal(layer.weight_u.numpy(), u)
    np.testing.assert_allclose(np.linalg.norm(layer.weight_u.numpy()), 1)


def test_rows_of_transposed_convolutions_are_their_outputs() -> None:
    layer = utils.spectral_norm(nn.ConvTranspose2d(4, 3, 2))
    assert (layer.weight_u.shape, layer.weight_v.shape) == ((3,), (16,))
    layer = utils.spectral_norm(nn.Conv2d(4, 3, 2))
    assert (layer.weight_u.shape, layer.weight_v.shape) == ((3,), (16,))
    assert utils.spectral_norm(nn.Conv2d(4, 3, 2), dim=1).weight_u.shape == (4,)


@pytest.mark.parametrize(
    ("apply", "remove"),
    [
        (utils.weight_norm, utils.remove_weight_norm),
        (utils.spectral_norm, utils.remove_spectral_norm),
    ],
)
def test_it_can_be_undone_copied_and_moved(apply, remove) -> None:
    layer = apply(linear())
    layer(X).sum().backward()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        other.eval()
        np.testing.assert_allclose(other(X).numpy(), layer.eval()(X).numpy())
        layer.train()
    assert copy.deepcopy(layer).float()(X.astype(np.float32)).dtype == np.float32
    layer.eval()
    before = layer(X).numpy()
    remove(layer)
    assert sorted(layer.state_dict()) == ["bias", "weight"]
    np.testing.assert_allclose(layer(X).numpy(), before)
    assert not layer._forward_hooks
    assert not layer._forward_pre_hooks
    with pytest.raises(ArgumentError, match="'weight' of this Linear is not normalised"):
        remove(layer)


def test_training_reaches_both_parts() -> None:
    layer = utils.weight_norm(linear())
    layer(X).sum().backward()
    assert layer.weight_g.grad is not None
    assert layer.weight_v.grad is not None
    along = (layer.weight_v.grad * layer.weight_v).sum(axis=1)
    np.testing.assert_allclose(along.numpy(), np.zeros(3), atol=1e-12)  # a length has no say


def test_mistakes() -> None:
    with pytest.raises(ArgumentError, match=r"\[weight_norm\] Linear has no parameter 'w'.*bias"):
        utils.weight_norm(linear(), "w")
    with pytest.raises(ArgumentError, match="Pass the layer that holds it"):
        utils.spectral_norm(nn.Sequential(linear()))
    with pytest.raises(AxisError, match="dim=2 does not exist"):
        utils.weight_norm(linear(), dim=2)
    with pytest.raises(ArgumentError, match="n_power_iterations=0"):
        utils.spectral_norm(linear(), n_power_iterations=0)
