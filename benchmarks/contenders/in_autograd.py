"""HIPS autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd import hessian as second_derivatives
from autograd import value_and_grad

from . import common
from .common import Arrays, Step

Named = dict[str, Any]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


def softplus(x: Any) -> Any:
    return np.logaddexp(x, 0)


def linear(w: Named, name: str, x: Any) -> Any:
    return np.dot(x, w[f"{name}.weight"].T) + w[f"{name}.bias"]


def minimised(
    loss: Callable[[Named], Any], weights: Arrays, update: Callable[[list[Any]], Any]
) -> Step:
    """A step, with what an update does with the gradients; it changes the weights in place."""
    both = value_and_grad(loss)

    def run() -> Any:
        value, gradients = both(weights)
        update(list(gradients.values()))
        return value

    return Step(run, lambda: both(weights))


def classified(model: common.Model, weights: Arrays, data: Arrays) -> Step:
    """A step of Adam on the cross-entropy."""
    x, y = data["x"], data["y"]
    rows = np.arange(len(y))

    def loss(w: Named) -> Any:
        out = model(w, x)
        out = out - np.max(out, axis=1, keepdims=True)
        logs = out - np.log(np.sum(np.exp(out), axis=1, keepdims=True))
        return -np.mean(logs[rows, y])

    return minimised(loss, weights, common.Adam(list(weights.values())).step)


def lesson(weights: Arrays, data: Arrays) -> Step:
    x, y = data["x"], data["y"]

    def update(gradients: list[Any]) -> None:
        for w, gradient in zip(weights.values(), gradients, strict=True):
            w -= 0.1 * gradient

    def loss(w: Named) -> Any:
        return 0.5 * np.sum((y - sigmoid(np.dot(sigmoid(np.dot(x, w["w0"])), w["w1"]))) ** 2)

    return minimised(loss, weights, update)


def mlp(weights: Arrays, data: Arrays) -> Step:
    return classified(common.mlp(linear, relu), weights, data)


def deep(weights: Arrays, data: Arrays) -> Step:
    return classified(common.deep(linear, np.tanh), weights, data)


def vae(weights: Arrays, data: Arrays) -> Step:
    x, noise = data["x"], data["noise"]

    def loss(w: Named) -> Any:
        made = linear(w, "code", relu(linear(w, "encoder", x)))
        mean, spread = np.split(made, 2, axis=1)
        hidden = relu(linear(w, "decoder", mean + np.exp(spread * 0.5) * noise))
        picture = linear(w, "picture", hidden)
        missed = np.sum(softplus(picture) - x * picture)
        apart = np.sum(mean * mean + np.exp(spread) - spread - 1) * 0.5
        return (missed + apart) / len(x)

    return minimised(loss, weights, common.Adam(list(weights.values())).step)


def dbn(weights: Arrays, data: Arrays) -> Step:
    x = data["x"]

    def loss(w: Named) -> Any:
        def energy(v: Any) -> Any:
            hidden = softplus(np.dot(v, w["weight"].T) + w["hidden_bias"])
            return np.mean(-np.dot(v, w["visible_bias"]) - np.sum(hidden, axis=-1))

        return energy(x) - energy(common.reconstructed(weights, data))

    return minimised(loss, weights, common.Momentum(list(weights.values())).step)


def chain(weights: Arrays, data: Arrays) -> Step:
    both = value_and_grad(lambda x: np.sum(np.log1p(np.exp(np.tanh(x) * sigmoid(x)))))

    def gradients() -> tuple[Any, Named]:
        value, gradient = both(weights["x"])
        return value, {"x": gradient}

    return Step(lambda: both(weights["x"]), gradients)


def hessian(weights: Arrays, data: Arrays) -> Step:
    x, y, theta = data["x"], data["y"], weights["theta"]

    def loss(theta: Any) -> Any:
        hidden = np.tanh(np.dot(x, theta[:32].reshape(8, 4).T) + theta[32:40])
        return np.mean((np.dot(hidden, theta[40:48].reshape(8, 1)) + theta[48:] - y) ** 2)

    second = second_derivatives(loss)
    return Step(lambda: (0.0, second(theta)), lambda: (loss(theta), {"theta": second(theta)}))
