"""What contenders share: what a step is, some nets, and optimizers for those that have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from works.others import LAYERS

Arrays = dict[str, np.ndarray]


class Step(NamedTuple):
    """A work, ready to run.

    Attributes
    ----------
    run
        Takes a step; returns the loss, or something that a call turns into it.
    gradients
        The loss and its gradients by name, with the weights as they are, which it leaves alone.
    """

    run: Callable[[], Any]
    gradients: Callable[[], tuple[Any, dict[str, Any]]]


# ---- networks, of a library's own functions --------------------------------------------------

Model = Callable[[dict[str, Any], Any], Any]
"""The scores of some data, with weights by name."""


def mlp(linear: Callable[[Any, str, Any], Any], relu: Callable[[Any], Any]) -> Model:
    return lambda w, x: linear(w, "4", relu(linear(w, "2", relu(linear(w, "0", x)))))


def deep(linear: Callable[[Any, str, Any], Any], tanh: Callable[[Any], Any]) -> Model:
    def model(w: dict[str, Any], x: Any) -> Any:
        for i in range(LAYERS - 1):
            x = tanh(linear(w, str(2 * i), x))
        return linear(w, str(2 * LAYERS - 2), x)

    return model


def scalars(weights: Arrays, make: Callable[[float], Any]) -> list[list[list[Any]]]:
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


# ---- optimizers --------------------------------------------------------------------------------


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


class Momentum:
    """Gradient descent with momentum on NumPy arrays, as PyTorch's."""

    def __init__(self, arrays: list[np.ndarray], lr: float = 0.1, momentum: float = 0.5) -> None:
        self.arrays, self.lr, self.momentum = arrays, np.float32(lr), np.float32(momentum)
        self.speeds = [np.zeros_like(a) for a in arrays]

    def step(self, gradients: list[np.ndarray]) -> None:
        for a, g, speed in zip(self.arrays, gradients, self.speeds, strict=True):
            speed *= self.momentum
            speed += g
            a -= self.lr * speed


def numbered(parameters: list[Any]) -> list[tuple[str, Any]]:
    """Names for what has none."""
    return [(str(i), p) for i, p in enumerate(parameters)]


def reconstructed(weights: Arrays, data: Arrays) -> np.ndarray:
    """Visible units of a Boltzmann machine after one step of Gibbs sampling from the data."""
    weight, below, above = weights.values()
    hidden = 1 / (1 + np.exp(-(data["x"] @ weight.T + above)))
    hidden = (data["hidden_chance"] < hidden).astype(np.float32)
    visible = 1 / (1 + np.exp(-(hidden @ weight + below)))
    return (data["visible_chance"] < visible).astype(np.float32)
