"""What code may decide by is told when it changes; a step of training changes nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.changes import CHANGES


@pytest.fixture
def model() -> Iterator[nn.Sequential]:
    yield nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    tl.set_default_dtype(tl.float32)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.train(), lambda m: m.eval(), lambda m: setattr(m, "size", 3),
        lambda m: m.append(nn.ReLU()), lambda m: m.__delitem__(1), lambda m: m.double(),
        lambda m: m.requires_grad_(False), lambda m: m[0].weight.requires_grad_(False),
        lambda m: m.register_forward_hook(print), lambda m: m[0].weight.register_hook(print),
        lambda m: tl.set_default_dtype(tl.float64),
    ],
)  # fmt: skip
def test_changes_are_told(model: nn.Sequential, change: Callable[[nn.Sequential], Any]) -> None:
    before = CHANGES.number
    handle = change(model)
    assert CHANGES.number != before
    if hasattr(handle, "remove"):
        before = CHANGES.number
        handle.remove()
        assert CHANGES.number != before


def test_a_constant_that_gets_a_history_is_told() -> None:
    total, w = Tensor([0.0]), Tensor([1.0], requires_grad=True)
    before = CHANGES.number
    total += w
    assert CHANGES.number != before


def test_training_is_no_change(model: nn.Sequential) -> None:
    adam = optim.Adam(model.parameters())
    schedule = optim.lr_scheduler.ExponentialLR(adam, 0.9)
    before = CHANGES.number
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    loss = (model(x) ** 2).sum()
    adam.zero_grad()
    loss.backward()
    adam.step()
    schedule.step()
    model.load_state_dict(model.state_dict())
    assert CHANGES.number == before
