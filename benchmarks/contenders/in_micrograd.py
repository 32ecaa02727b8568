"""micrograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from micrograd.engine import Value

from . import common


def moons(weights: dict[str, np.ndarray], data: dict[str, np.ndarray]) -> Callable[[], Any]:
    layers = common.scalars(weights, Value)
    parameters = common.every(layers)
    x = [[Value(v) for v in point] for point in data["x"].tolist()]  # as in its demo
    y = data["y"].tolist()

    def step() -> Any:
        loss = common.moons_loss(layers, x, y, Value.relu)
        for p in parameters:
            p.grad = 0
        loss.backward()
        for p in parameters:
            p.data -= 0.1 * p.grad
        return loss.data

    return step
