"""What a user does between two steps, in any order: compiled steps go on from what eager ones left.

Two trainings go on side by side. One takes eager steps only, the other some compiled ones; between
them both load state, freeze layers, change rates, and so on. They must stay equal throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.optim import lr_scheduler

from .support import seeded

F = nn.functional

OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.01),
}

X, Y = seeded("x").normal(size=(6, 3)), seeded("y").normal(size=(6, 2))


class Run:
    """A training: a model with everything that has a state, and all that may be done to it."""

    def __init__(self, optimizer: str, mode: str | None) -> None:
        tl.manual_seed(0)
        self.model = nn.Sequential(  # no bias where its gradient would be nothing but rounding
            nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(0.3),
            nn.Linear(4, 2),
        ).double()  # fmt: skip
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.schedule = lr_scheduler.CosineAnnealingLR(self.optimizer, 7)
        self.generator = tl.manual_seed(1)
        self.saved: dict[str, Any] = {}
        self.save()
        self.steps = {name: getattr(self, name) for name in ("step", "scheduled", "gather", "look")}
        self.compiled = dict(self.steps)
        if mode is not None:
            self.compiled = {
                name: tl.compile(mode=mode, keep_grads=name == "gather")(step)
                for name, step in self.steps.items()
            }

    # ---- steps -------------------------------------------------------------------------------

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(self.model(x), y)

    def step(self, x: Tensor, y: Tensor) -> Tensor:
        loss = self.loss(x, y)
        self.optimizer.zero_grad()
        if loss.requires_grad:
            loss.backward()
        self.optimizer.step()
        return loss

    def scheduled(self, x: Tensor, y: Tensor) -> Tensor:
        loss = self.loss(x, y)
        loss.backward()  # to what is there
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        return loss

    def gather(self, x: Tensor, y: Tensor) -> Tensor:
        loss = self.loss(x, y)
        loss.backward()
        return loss

    def look(self, x: Tensor, y: Tensor) -> Tensor:
        with tl.no_grad():
            return self.loss(x, y)

    # ---- what else happens -------------------------------------------------------------------

    def save(self) -> None:
        self.saved = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def load_model(self) -> None:
        self.model.load_state_dict(self.saved["model"])

    def load_optimizer(self) -> None:
        self.optimizer.load_state_dict(self.saved["optimizer"])

    def load_schedule(self) -> None:
        self.schedule.load_state_dict(self.saved["schedule"])

    def train(self) -> None:
        self.model.train()

    def eval(self) -> None:
        self.model.eval()

    def freeze(self) -> None:
        self.model[0].requires_grad_(False)

    def unfreeze(self) -> None:
        self.model[0].requires_grad_(True)

    def change_rate(self) -> None:
        self.optimizer.param_groups[0]["lr"] *= 0.5

    def change_decay(self) -> None:
        group = self.optimizer.param_groups[0]
        group["weight_decay"] = 0.0 if group["weight_decay"] else 0.1

    def zero_grad(self) -> None:
        self.optimizer.zero_grad()

    def zero_numbers(self) -> None:
        self.optimizer.zero_grad(set_to_none=False)

    def assign(self) -> None:
        self.model[4].bias.assign([0.25, -0.25])

    def in_place(self) -> None:
        with tl.no_grad():
            self.model[4].weight *= 0.5

    def seed(self) -> None:
        tl.random._DEFAULT.set(self.generator)  # the two runs take turns
        self.generator = tl.manual_seed(9)

    def go_on(self) -> None:
        self.schedule.step()

    def hook(self) -> None:
        self.model[2].register_forward_hook(lambda module, args, out: out * 1.5).remove()

    def do(self, action: str, compiled: bool) -> list[np.ndarray]:
        tl.random._DEFAULT.set(self.generator)
        if action in self.steps:
            run = (self.compiled if compiled else self.steps)[action]
            return [np.array(run(Tensor(X), Tensor(Y)).detach())]
        getattr(self, action)()
        return []

    def everything(self) -> list[Any]:
        state = self.optimizer.state_dict()
        return [
            *map(np.array, self.model.state_dict().values()),
            *({k: np.array(v) for k, v in held.items()} for held in state["state"].values()),
            [{k: v for k, v in g.items() if k != "params"} for g in state["param_groups"]],
            self.schedule.last_epoch,
            repr(self.generator.bit_generator.state),
        ]

    def gradients(self) -> list[Any]:
        return [None if p.grad is None else np.array(p.grad) for p in self.model.parameters()]


OTHERS = [
    "save", "load_model", "load_optimizer", "load_schedule", "train", "eval", "freeze", "unfreeze",
    "change_rate", "change_decay", "zero_grad", "zero_numbers", "assign", "in_place", "seed",
    "go_on", "hook",
]  # fmt: skip
STEPS = ["step", "step", "scheduled", "gather", "look"]

ACTIONS = st.lists(
    st.tuples(st.sampled_from(STEPS), st.booleans())
    | st.tuples(st.sampled_from(OTHERS), st.just(False)),
    min_size=6,
    max_size=16,
)


def equal(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            equal(a, b)
    elif one is None or isinstance(one, str):
        assert one == other
    else:
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def go_through(eager: Run, mixed: Run, actions: list[tuple[str, bool]]) -> None:
    """The same in both, some of it compiled in one; they must stay equal."""
    for action, compiled in actions:
        equal(mixed.do(action, compiled), eager.do(action, False))
        equal(mixed.everything(), eager.everything())
        if action.endswith("step") and compiled:  # .grad is None by definition
            eager.optimizer.zero_grad()
            mixed.optimizer.zero_grad()
        equal(mixed.gradients(), eager.gradients())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@settings(max_examples=25)
@given(actions=ACTIONS)
def test_any_order(optimizer: str, actions: list[tuple[str, bool]]) -> None:
    go_through(Run(optimizer, None), Run(optimizer, "numpy"), actions)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["numpy", "c"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@settings(max_examples=60)
@given(actions=ACTIONS)
def test_any_order_more_often(optimizer: str, mode: str, actions: list[tuple[str, bool]]) -> None:
    go_through(Run(optimizer, None), Run(optimizer, mode), actions)
