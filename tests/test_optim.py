"""Optimizers against the published algorithms, written here in plain NumPy."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, optim
from tinygrad_lesson.errors import ArgumentError, RangeError, StateDictError

TARGET = np.array([1.0, -2.0, 3.0])


def descend(optimizer: optim.Optimizer, w: Tensor, steps: int) -> None:
    """Minimise a quartic bowl around TARGET."""
    for _ in range(steps):
        optimizer.zero_grad()
        ((w - TARGET) ** 4).sum().backward()
        optimizer.step()


def gradient(w: np.ndarray) -> np.ndarray:
    return 4 * (w - TARGET) ** 3


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_sgd(momentum: float, decay: float) -> None:
    w = Tensor(np.zeros(3), requires_grad=True)
    descend(optim.SGD([w], lr=1e-3, momentum=momentum, weight_decay=decay), w, 50)
    expected, velocity = np.zeros(3), np.zeros(3)
    for _ in range(50):
        velocity = momentum * velocity + gradient(expected) + decay * expected
        expected = expected - 1e-3 * velocity
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam(decay: float) -> None:
    w = Tensor(np.zeros(3), requires_grad=True)
    descend(optim.Adam([w], lr=0.1, betas=(0.8, 0.99), weight_decay=decay), w, 50)
    expected, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
    for t in range(1, 51):  # algorithm 1 of the paper
        g = gradient(expected) + decay * expected
        m = 0.8 * m + 0.2 * g
        v = 0.99 * v + 0.01 * g * g
        m_hat, v_hat = m / (1 - 0.8**t), v / (1 - 0.99**t)
        expected = expected - 0.1 * m_hat / (np.sqrt(v_hat) + 1e-8)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1), lambda p: optim.Adam(p, lr=0.1)])
def test_float32_stays_float32_also_for_single_numbers(make) -> None:
    w = Tensor(1.0, requires_grad=True)
    optimizer = make([w])
    for _ in range(2):
        optimizer.zero_grad()
        (w * w).backward()
        optimizer.step()
    assert w.dtype == np.float32
    assert w.shape == ()
    assert 0.6 < float(w) < 0.85


def test_older_graphs_keep_their_numbers_and_still_fill_grad() -> None:
    w = Tensor(2.0, requires_grad=True)
    older = w**2
    optimizer = optim.SGD([w], lr=0.1)
    (3 * w).backward()
    optimizer.step()
    optimizer.zero_grad()
    older.backward()
    assert float(w.grad) == 4.0  # from w = 2, before the step


def test_groups_have_settings_of_their_own_and_unused_parameters_stay() -> None:
    a, b, unused = (Tensor(1.0, requires_grad=True) for _ in range(3))
    groups = [{"params": [a, unused]}, {"params": [b], "lr": 0.5}]
    optimizer = optim.SGD(groups, lr=0.1)
    (a + b).backward()
    optimizer.step()
    assert [round(float(t), 6) for t in (a, b, unused)] == [0.9, 0.5, 1.0]
    optimizer.param_groups[1]["lr"] = 0.0
    optimizer.step()
    assert round(float(b), 6) == 0.5


def test_resuming_from_a_state_dict_equals_going_on() -> None:
    w = Tensor(np.zeros(3), requires_grad=True)
    optimizer = optim.Adam([w], lr=0.1)
    descend(optimizer, w, 5)
    resumed = copy.deepcopy(w)
    other = optim.Adam([resumed], lr=0.9)
    other.load_state_dict(optimizer.state_dict())
    descend(optimizer, w, 5)
    descend(other, resumed, 5)
    np.testing.assert_array_equal(w.numpy(), resumed.numpy())


def test_a_state_that_does_not_fit_is_refused() -> None:
    a, b = (Tensor(1.0, requires_grad=True) for _ in range(2))
    state = optim.Adam([a, b]).state_dict()
    with pytest.raises(StateDictError, match=r"\[1\] parameters, the state \[2\]"):
        optim.Adam([a]).load_state_dict(state)


def test_what_cannot_be_optimized_is_refused() -> None:
    w = Tensor(1.0, requires_grad=True)
    with pytest.raises(ArgumentError, match="the result of multiply"):
        optim.SGD([w * 2])
    with pytest.raises(ArgumentError, match="there are no parameters"):
        optim.SGD([])
    with pytest.raises(ArgumentError, match=r"Pass a list: \[w\]"):
        optim.SGD(w)
    with pytest.raises(RangeError, match="lr=-1 is negative"):
        optim.SGD([w], lr=-1)


def test_repr_shows_the_settings() -> None:
    w = Tensor(1.0, requires_grad=True)
    assert repr(tl.optim.SGD([w], lr=0.5)) == "SGD(lr=0.5, momentum=0.0, weight_decay=0.0)"
