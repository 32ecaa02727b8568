"""micrograd."""

from __future__ import annotations

from typing import Any

from micrograd.engine import Value

from . import common
from .common import Arrays, Step


def moons(weights: Arrays, data: Arrays) -> Step:
    layers = common.scalars(weights, Value)
    parameters = common.every(layers)
    x = [[Value(v) for v in point] for point in data["x"].tolist()]  # as in its demo
    y = data["y"].tolist()

    def backward() -> Any:
        loss = common.moons_loss(layers, x, y, Value.relu)
        for p in parameters:
            p.grad = 0
        loss.backward()
        return loss.data

    def run() -> Any:
        loss = backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return loss

    def gradients() -> tuple[Any, dict[str, Any]]:
        return backward(), {name: p.grad for name, p in common.numbered(parameters)}

    return Step(run, gradients)
