"""Optimizers and schedules beside PyTorch's: the same way through a hundred steps."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pytest

from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.nn import utils

from .support import same, seeded

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning"),
]

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"lr": 0.02}),
    ("Adam", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-5, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.02, "amsgrad": True}),
    ("AdamW", {"lr": 0.02}),
    ("AdamW", {"lr": 0.02, "amsgrad": True, "weight_decay": 0.2}),
    ("NAdam", {"lr": 0.02}),
    ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "momentum_decay": 0.01}),
    ("RAdam", {"lr": 0.02}),
    ("RAdam", {"lr": 0.02, "betas": (0.9, 0.95), "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS)
def test_optimizer(name: str, settings: dict[str, Any]) -> None:
    start, target = seeded("w").normal(size=(3, 4)), seeded("t").normal(size=(3, 4))
    ours = Tensor(start, requires_grad=True)
    peer = torch.tensor(start, requires_grad=True)
    optimizer = getattr(optim, name)([ours], **settings)
    theirs = getattr(torch.optim, name)([peer], **settings)
    for _ in range(100):
        optimizer.zero_grad()
        ((ours - target) ** 4).mean().backward()
        optimizer.step()
        theirs.zero_grad()
        ((peer - torch.tensor(target)) ** 4).mean().backward()
        theirs.step()
        same(ours, peer.detach().numpy(), 1e-9, 1e-9)


def cosine_after_linear(scheduler: Any, optimizer: Any) -> Any:
    first = scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=10)
    second = scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=0.01)
    return scheduler.SequentialLR(optimizer, [first, second], milestones=[10])


def of(name: str, *args: Any, **kwargs: Any) -> Any:
    return lambda scheduler, optimizer: getattr(scheduler, name)(optimizer, *args, **kwargs)


SCHEDULES = {
    "step": of("StepLR", 7, 0.5),
    "multi": of("MultiStepLR", [5, 20, 21], gamma=0.3),
    "exponential": of("ExponentialLR", 0.93),
    "linear": of("LinearLR"),
    "linear down": of("LinearLR", start_factor=1.0, end_factor=0.1, total_iters=30),
    "cosine": of("CosineAnnealingLR", 25, eta_min=0.01),
    "restarts": of("CosineAnnealingWarmRestarts", 5, T_mult=2, eta_min=0.001),
    "lambda": of("LambdaLR", lambda epoch: 1 / math.sqrt(epoch + 1)),
    "lambdas": of("LambdaLR", [lambda epoch: 0.9**epoch, lambda epoch: 1.0]),
    "one cycle": of("OneCycleLR", 0.5, total_steps=60),
    "one cycle of epochs": of("OneCycleLR", [0.5, 1.0], epochs=6, steps_per_epoch=10,
                              anneal_strategy="linear", pct_start=0.2, div_factor=10.0),
    "sequential": cosine_after_linear,
}  # fmt: skip


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str, optimizer: str) -> None:
    settings = {"lr": 0.3, "momentum": 0.9} if optimizer == "SGD" else {"lr": 0.3}

    def groups(make: Any) -> Any:
        return [{"params": [make()]}, {"params": [make()], "lr": 0.7}]

    ours = getattr(optim, optimizer)(groups(lambda: Tensor(1.0, requires_grad=True)), **settings)
    theirs = getattr(torch.optim, optimizer)(
        groups(functools.partial(torch.ones, 1, requires_grad=True)), **settings
    )
    schedule = SCHEDULES[name](optim.lr_scheduler, ours)
    peer = SCHEDULES[name](torch.optim.lr_scheduler, theirs)
    for _ in range(59):
        for group, other in zip(ours.param_groups, theirs.param_groups, strict=True):
            np.testing.assert_allclose(group["lr"], other["lr"], rtol=1e-10)
            for key in ("momentum", "betas"):
                if key in group:
                    np.testing.assert_allclose(group[key], other[key], rtol=1e-10)
        schedule.step()
        theirs.step()
        peer.step()


@pytest.mark.parametrize(
    "settings",
    [{}, {"mode": "max", "factor": 0.5}, {"patience": 2, "cooldown": 3, "min_lr": 0.01},
     {"threshold_mode": "abs", "threshold": 0.1, "patience": 3}],
)  # fmt: skip
def test_plateau(settings: dict[str, Any]) -> None:
    ours = optim.SGD([Tensor(1.0, requires_grad=True)], lr=0.3)
    theirs = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.3)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(ours, **settings)
    peer = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **settings)
    for loss in np.round(seeded("plateau").normal(size=100), 2) + np.linspace(1, 0, 100):
        schedule.step(loss)
        peer.step(loss)
        np.testing.assert_allclose(ours.param_groups[0]["lr"], theirs.param_groups[0]["lr"])


@pytest.mark.parametrize("norm", [2.0, 1.0, 3.0, math.inf])
@pytest.mark.parametrize("largest", [0.5, 1e3])
def test_clip_grad_norm(norm: float, largest: float) -> None:
    ours = [nn.Parameter(np.zeros(n)) for n in (3, 4)]
    theirs = [torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (3, 4)]
    for p, q in zip(ours, theirs, strict=True):
        g = seeded(p.shape).normal(size=p.shape)
        p.grad, q.grad = Tensor(g), torch.tensor(g)
    got = utils.clip_grad_norm_(ours, largest, norm)
    expected = torch.nn.utils.clip_grad_norm_(theirs, largest, norm)
    same(got, expected.numpy())
    for p, q in zip(ours, theirs, strict=True):
        same(p.grad, q.grad.numpy())


BOWLS = {
    "rosenbrock": lambda w: 100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2,
    "quartic": lambda w: (w - 1) ** 4 + w * w * 0.1,
}


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("settings", [{}, {"max_iter": 5, "history_size": 3}])
@pytest.mark.parametrize("name", BOWLS)
def test_lbfgs(name: str, settings: dict[str, Any], search: str | None) -> None:
    start = np.array([-1.2, 1.0, -0.5, 0.3])
    ours, peer = Tensor(start, requires_grad=True), torch.tensor(start, requires_grad=True)
    rate = 1.0 if search else 0.001
    optimizer = optim.LBFGS([ours], lr=rate, line_search_fn=search, **settings)
    theirs = torch.optim.LBFGS([peer], lr=rate, line_search_fn=search, **settings)

    def closure(optimizer: Any, w: Any) -> Any:
        optimizer.zero_grad()
        loss = BOWLS[name](w).sum()
        loss.backward()
        return loss

    for _ in range(12):
        loss = optimizer.step(lambda: closure(optimizer, ours))
        same(loss, theirs.step(lambda: closure(theirs, peer)).item(), 1e-6, 1e-12)
        same(ours, peer.detach().numpy(), 1e-6)
