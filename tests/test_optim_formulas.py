"""Each optimizer against its published algorithm, written out on single numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tinygrad_lesson import Tensor, optim

STEPS = 60


def slope(w: float) -> float:
    """Of a quartic bowl around 1.5, tilted."""
    return 4 * (w - 1.5) ** 3 + 0.3


def nesterov(w: float) -> Iterator[float]:
    v = 0.0
    for _ in range(STEPS):
        v = 0.9 * v + slope(w)
        w -= 0.01 * (slope(w) + 0.9 * v)
        yield w


def dampened(w: float) -> Iterator[float]:
    v = slope(w)
    for t in range(STEPS):
        v = v if t == 0 else 0.9 * v + 0.75 * slope(w)
        w -= 0.01 * v
        yield w


def adamw(w: float) -> Iterator[float]:
    m = v = 0.0
    for t in range(1, STEPS + 1):
        g = slope(w)
        w *= 1 - 0.05 * 0.1
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        w -= 0.05 * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.99**t)) + 1e-8)
        yield w


def amsgrad(w: float) -> Iterator[float]:
    m = v = most = 0.0
    for t in range(1, STEPS + 1):
        g = slope(w)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        most = max(most, v)
        w -= 0.05 * (m / (1 - 0.9**t)) / (math.sqrt(most / (1 - 0.99**t)) + 1e-8)
        yield w


def nadam(w: float) -> Iterator[float]:
    m = v = 0.0
    product = 1.0
    for t in range(1, STEPS + 1):
        g = slope(w)
        now, after = (0.9 * (1 - 0.5 * 0.96 ** (k * 4e-3)) for k in (t, t + 1))
        product *= now
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        ahead = after * m / (1 - product * after) + (1 - now) * g / (1 - product)
        w -= 0.05 * ahead / (math.sqrt(v / (1 - 0.99**t)) + 1e-8)
        yield w


def radam(w: float) -> Iterator[float]:
    m = v = 0.0
    longest = 2 / (1 - 0.99) - 1
    for t in range(1, STEPS + 1):
        g = slope(w)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        length = longest - 2 * t * 0.99**t / (1 - 0.99**t)
        step = 0.05 * m / (1 - 0.9**t)
        if length > 5:
            r = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            step *= math.sqrt(r) * math.sqrt(1 - 0.99**t) / (math.sqrt(v) + 1e-8)
        w -= step
        yield w


def adagrad(w: float) -> Iterator[float]:
    total = 0.25
    for t in range(STEPS):
        g = slope(w)
        total += g * g
        w -= 0.2 / (1 + 0.1 * t) * g / (math.sqrt(total) + 1e-10)
        yield w


def adadelta(w: float) -> Iterator[float]:
    v = d = 0.0
    for _ in range(STEPS):
        g = slope(w)
        v = 0.9 * v + 0.1 * g * g
        step = math.sqrt(d + 1e-6) / math.sqrt(v + 1e-6) * g
        d = 0.9 * d + 0.1 * step * step
        w -= step
        yield w


def rmsprop(w: float) -> Iterator[float]:
    v = mean = held = 0.0
    for _ in range(STEPS):
        g = slope(w)
        v, mean = 0.9 * v + 0.1 * g * g, 0.9 * mean + 0.1 * g
        held = 0.5 * held + g / (math.sqrt(v - mean * mean) + 1e-8)
        w -= 0.01 * held
        yield w


def lion(w: float) -> Iterator[float]:
    m = 0.0
    for _ in range(STEPS):
        g = slope(w)
        w = w * (1 - 0.05 * 0.1) - 0.05 * math.copysign(1, 0.9 * m + 0.1 * g)
        m = 0.99 * m + 0.01 * g
        yield w


CASES: dict[str, tuple[Callable[..., optim.Optimizer], Callable[[float], Iterator[float]]]] = {
    "nesterov": (lambda p: optim.SGD(p, lr=0.01, momentum=0.9, nesterov=True), nesterov),
    "dampened": (lambda p: optim.SGD(p, lr=0.01, momentum=0.9, dampening=0.25), dampened),
    "adamw": (lambda p: optim.AdamW(p, lr=0.05, betas=(0.9, 0.99), weight_decay=0.1), adamw),
    "amsgrad": (lambda p: optim.Adam(p, lr=0.05, betas=(0.9, 0.99), amsgrad=True), amsgrad),
    "nadam": (lambda p: optim.NAdam(p, lr=0.05, betas=(0.9, 0.99)), nadam),
    "radam": (lambda p: optim.RAdam(p, lr=0.05, betas=(0.9, 0.99)), radam),
    "adagrad": (
        lambda p: optim.Adagrad(p, lr=0.2, lr_decay=0.1, initial_accumulator_value=0.25),
        adagrad,
    ),
    "adadelta": (optim.Adadelta, adadelta),
    "rmsprop": (
        lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.5, centered=True),
        rmsprop,
    ),
    "lion": (lambda p: optim.Lion(p, lr=0.05, weight_decay=0.1), lion),
}


@pytest.mark.parametrize("name", CASES)
def test_published_algorithm(name: str) -> None:
    make, formula = CASES[name]
    starts = [-1.0, 0.25, 3.0]
    w = Tensor(np.array(starts), requires_grad=True)
    optimizer = make([w])
    for expected in zip(*map(formula, starts), strict=True):
        optimizer.zero_grad()
        w.backward(4 * (w.detach() - 1.5) ** 3 + 0.3)
        optimizer.step()
        np.testing.assert_allclose(w.numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_a_saved_state_goes_on_as_if_nothing_had_happened(name: str) -> None:
    make, _ = CASES[name]
    w = Tensor(np.array([-1.0, 3.0]), requires_grad=True)
    optimizer = make([w])

    def step(w: Tensor, optimizer: optim.Optimizer) -> None:
        optimizer.zero_grad()
        (w**4).sum().backward()
        optimizer.step()

    for _ in range(3):
        step(w, optimizer)
    other = Tensor(w.numpy(), requires_grad=True)
    resumed = make([other])
    resumed.load_state_dict(optimizer.state_dict())
    saved = repr(optimizer.state_dict())
    step(other, resumed)
    assert repr(optimizer.state_dict()) == saved, "a state of its own"
    step(w, optimizer)
    np.testing.assert_array_equal(other.numpy(), w.numpy())


@pytest.mark.parametrize("name", CASES)
def test_dtype_and_shape_stay(name: str) -> None:
    w = Tensor(2.0, requires_grad=True)
    optimizer = CASES[name][0]([w])
    for _ in range(3):
        optimizer.zero_grad()
        (w * w).backward()
        optimizer.step()
    assert (w.dtype, w.shape) == (np.float32, ())


def test_a_closure_computes_the_loss() -> None:
    w = Tensor(2.0, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.25)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = w * w
        loss.backward()
        return loss

    assert float(optimizer.step(closure)) == 4.0
    assert float(w) == 1.0
