"""Schedules: their formulas, what they save, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinygrad_lesson import Tensor, optim
from tinygrad_lesson.errors import ArgumentError, NonFiniteError, RangeError, StateDictError
from tinygrad_lesson.nn import utils
from tinygrad_lesson.optim import lr_scheduler as schedules


def sgd(lr: float = 0.5, **settings) -> optim.SGD:
    return optim.SGD([Tensor(1.0, requires_grad=True)], lr=lr, **settings)


def rates(schedule, epochs: int) -> list[float]:
    found = []
    for _ in range(epochs):
        found += schedule.get_last_lr()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda o: schedules.StepLR(o, 3, 0.5), lambda t: 0.5 * 0.5 ** (t // 3)),
        (lambda o: schedules.MultiStepLR(o, [4, 2]), lambda t: 0.5 * 0.1 ** ((t >= 2) + (t >= 4))),
        (lambda o: schedules.ExponentialLR(o, 0.9), lambda t: 0.5 * 0.9**t),
        (lambda o: schedules.LinearLR(o, 0.2, 1.0, 4), lambda t: 0.5 * min(1.0, 0.2 + 0.2 * t)),
        (
            lambda o: schedules.CosineAnnealingLR(o, 4, 0.1),
            lambda t: 0.1 + 0.4 * (1 + math.cos(math.pi * t / 4)) / 2,
        ),
        (
            lambda o: schedules.CosineAnnealingWarmRestarts(o, 3),
            lambda t: 0.5 * (1 + math.cos(math.pi * (t % 3) / 3)) / 2,
        ),
        (lambda o: schedules.LambdaLR(o, lambda t: 1 / (t + 1)), lambda t: 0.5 / (t + 1)),
        (
            lambda o: schedules.SequentialLR(
                o, [schedules.LinearLR(o, 0.5, 1.0, 2), schedules.ExponentialLR(o, 0.9)], [3]
            ),
            lambda t: 0.5 * (min(1.0, 0.5 + 0.25 * t) if t < 3 else 0.9 ** (t - 3)),
        ),
    ],
)
def test_formula(make, formula) -> None:
    np.testing.assert_allclose(rates(make(sgd()), 12), [formula(t) for t in range(12)])


def test_one_cycle_ends_where_it_says() -> None:
    optimizer = sgd(momentum=0.9)
    schedule = schedules.OneCycleLR(optimizer, 1.0, total_steps=10)
    found = [(optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"])]
    for _ in range(9):
        schedule.step()
        found.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
    np.testing.assert_allclose(found[0], (0.04, 0.95))
    np.testing.assert_allclose(found[2], (1.0, 0.85))
    np.testing.assert_allclose(found[9], (4e-6, 0.95))
    schedule.step()  # after the tenth batch, as a loop does that steps after every one
    assert optimizer.param_groups[0]["lr"] == found[9][0]
    with pytest.raises(RangeError, match=r"\[OneCycleLR\] step 11 of 10"):
        schedule.step()


def test_a_plateau_reduces_the_rate() -> None:
    optimizer = sgd()
    schedule = schedules.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    for loss in (3.0, 2.0, 2.0, Tensor(2.0), 1.0, 1.0):
        schedule.step(loss)
    assert optimizer.param_groups[0]["lr"] == 0.25


def test_a_saved_schedule_goes_on() -> None:
    first, second = sgd(), sgd()
    schedule = schedules.CosineAnnealingLR(first, 10)
    rates(schedule, 4)
    resumed = schedules.CosineAnnealingLR(second, 10)
    resumed.load_state_dict(schedule.state_dict())
    assert rates(resumed, 5)[1:] == rates(schedule, 5)[1:]


@pytest.mark.parametrize("state", [None, {}, {"scheduler": "StepLR"}, {"scheduler": "LinearLR"}])
def test_a_state_that_does_not_fit_is_refused(state) -> None:
    schedule = schedules.LinearLR(sgd())
    with pytest.raises(StateDictError, match=r"\[LinearLR.load_state_dict\]"):
        schedule.load_state_dict(state)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: schedules.StepLR(sgd(), 0), RangeError, "step_size=0 is no positive integer"),
        (lambda: schedules.CosineAnnealingLR(sgd(), -1), RangeError, "T_max=-1 is no positive"),
        (lambda: schedules.LambdaLR(sgd(), [max, max]), ArgumentError, "2 functions for 1 groups"),
        (lambda: schedules.OneCycleLR(sgd(), 1.0), ArgumentError, "number of steps is not given"),
        (lambda: schedules.OneCycleLR(sgd(), 1.0, 5, anneal_strategy="x"), ArgumentError, "'x'"),
        (lambda: schedules.OneCycleLR(sgd(), 1.0, 5, pct_start=2), RangeError, "pct_start=2"),
        (
            lambda: schedules.OneCycleLR(optim.Adagrad([Tensor(1.0, requires_grad=True)]), 1.0, 5),
            ArgumentError,
            "Adagrad has no momentum to cycle",
        ),
        (lambda: schedules.SequentialLR(sgd(), [], []), ArgumentError, "0 schedules and 0 mile"),
        (lambda: schedules.ReduceLROnPlateau(sgd(), "low"), ArgumentError, "mode='low'"),
        (lambda: schedules.ReduceLROnPlateau(sgd(), factor=2), RangeError, "factor=2 does not"),
        (lambda: schedules.ReduceLROnPlateau(sgd()).step(), ArgumentError, "no figure is given"),
    ],
)
def test_mistakes(make, kind, message) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_clipping() -> None:
    w, unused = Tensor([3.0, 4.0], requires_grad=True), Tensor(1.0, requires_grad=True)
    (w * w / 2).sum().backward()
    assert float(utils.clip_grad_norm_([w, unused], 1.0)) == 5.0
    np.testing.assert_allclose(w.grad.numpy(), [0.6, 0.8], rtol=1e-5)
    utils.clip_grad_value_(w, 0.7)
    np.testing.assert_allclose(w.grad.numpy(), [0.6, 0.7], rtol=1e-5)
    w.grad = [math.inf, 0.0]
    with pytest.raises(NonFiniteError, match="the norm of the gradients is inf"):
        utils.clip_grad_norm_(w, 1.0, error_if_nonfinite=True)
    with pytest.raises(RangeError, match="clip_value=-1"):
        utils.clip_grad_value_(w, -1)
