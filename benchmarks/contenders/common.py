"""What several contenders share: the scalar net, and Adam for those that have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def scalars(weights: dict[str, np.ndarray], make: Callable[[float], Any]) -> list[list[list[Any]]]:
    """The layers of the scalar net: for each neuron its weights, then its bias."""
    return [
        [
            [make(float(v)) for v in (*row, b)]
            for row, b in zip(weights[f"{i}.weight"], weights[f"{i}.bias"], strict=True)
        ]
        for i in range(len(weights) // 2)
    ]


def every(layers: list[list[list[Any]]]) -> list[Any]:
    return [w for layer in layers for neuron in layer for w in neuron]


def moons_loss(layers: list[list[list[Any]]], x: Any, y: Any, relu: Callable[[Any], Any]) -> Any:
    """Hinge loss and weight decay of micrograd's demo, on any kind of scalar."""
    losses = []
    for point, label in zip(x, y, strict=True):
        values = list(point)
        for number, layer in enumerate(layers, 1):
            sums = [sum((w * v for w, v in zip(ws, values, strict=True)), b) for *ws, b in layer]
            values = [relu(s) for s in sums] if number < len(layers) else sums
        losses.append(relu(1 + values[0] * -label))
    decay = sum(w * w for w in every(layers))
    return sum(losses) * (1.0 / len(losses)) + decay * 1e-4


class Adam:
    """Adam on NumPy arrays, in place, for libraries without an optimizer."""

    def __init__(self, arrays: list[np.ndarray], lr: float = 1e-3) -> None:
        self.arrays, self.lr, self.steps = arrays, lr, 0
        self.means = [np.zeros_like(a) for a in arrays]
        self.squares = [np.zeros_like(a) for a in arrays]

    def step(self, gradients: list[np.ndarray]) -> None:
        self.steps += 1
        size = self.lr / (1 - 0.9**self.steps)
        root = 1 / np.sqrt(1 - 0.999**self.steps)
        for a, g, mean, square in zip(
            self.arrays, gradients, self.means, self.squares, strict=True
        ):
            mean *= np.float32(0.9)
            mean += np.float32(0.1) * g
            square *= np.float32(0.999)
            square += np.float32(0.001) * g * g
            below = np.sqrt(square)
            below *= np.float32(root)
            below += np.float32(1e-8)
            np.divide(mean, below, out=below)
            below *= np.float32(size)
            a -= below
