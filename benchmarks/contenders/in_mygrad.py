"""MyGrad, without the guard that locks arrays: its documentation names that as the faster way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet import conv_nd, max_pool, relu, sigmoid, softmax_crossentropy

from . import common
from .common import Arrays, Step

mg.turn_memory_guarding_off()

Named = dict[str, Any]


def minimised(
    loss: Callable[[], Any], named: Named, update: Callable[[list[np.ndarray]], Any]
) -> Step:
    """A step, with what an update does with the gradients."""

    def run() -> Any:
        value = loss()
        value.backward()
        update([t.grad for t in named.values()])
        return value

    def gradients() -> tuple[Any, Named]:
        value = loss()
        value.backward()
        return value, {name: t.grad for name, t in named.items()}

    return Step(run, gradients)


def descended(loss: Callable[[], Any], named: Named) -> Step:
    """A step of gradient descent."""

    def update(gradients: list[np.ndarray]) -> None:
        for w, gradient in zip(named.values(), gradients, strict=True):
            w.data = w.data - 0.1 * gradient

    return minimised(loss, named, update)


def classified(model: common.Model, weights: Arrays, data: Arrays) -> Step:
    """A step of Adam on the cross-entropy."""
    x, y = data["x"], data["y"]
    w = {name: mg.tensor(array) for name, array in weights.items()}
    optimizer = common.Adam([t.data for t in w.values()])
    return minimised(lambda: softmax_crossentropy(model(w, x), y), w, optimizer.step)


def linear(w: Named, name: str, x: Any) -> Any:
    return mg.matmul(x, w[f"{name}.weight"].T) + w[f"{name}.bias"]


def lesson(weights: Arrays, data: Arrays) -> Step:
    w = {name: mg.tensor(array) for name, array in weights.items()}
    x, y = data["x"], data["y"]

    def loss() -> Any:
        output = sigmoid(mg.matmul(sigmoid(mg.matmul(x, w["w0"])), w["w1"]))
        return mg.sum((y - output) ** 2) * 0.5

    return descended(loss, w)


def mlp(weights: Arrays, data: Arrays) -> Step:
    return classified(common.mlp(linear, relu), weights, data)


def deep(weights: Arrays, data: Arrays) -> Step:
    return classified(common.deep(linear, mg.tanh), weights, data)


def cnn(weights: Arrays, data: Arrays) -> Step:
    def block(w: Named, name: str, x: Any) -> Any:
        x = conv_nd(x, w[f"{name}.weight"], stride=1, padding=1)
        return max_pool(relu(x + w[f"{name}.bias"].reshape(-1, 1, 1)), (2, 2), 2)

    def model(w: Named, x: Any) -> Any:
        x = block(w, "3", block(w, "0", x))
        return linear(w, "7", x.reshape(len(x), -1))

    return classified(model, weights, data)


def chain(weights: Arrays, data: Arrays) -> Step:
    x = mg.tensor(weights["x"])

    def run() -> Any:
        loss = mg.sum(mg.log1p(mg.exp(mg.tanh(x) * sigmoid(x))))
        loss.backward()
        return loss, x.grad

    def gradients() -> tuple[Any, Named]:
        loss, gradient = run()
        return loss, {"x": gradient}

    return Step(run, gradients)


def moons(weights: Arrays, data: Arrays) -> Step:
    layers = common.scalars(weights, mg.tensor)
    x, y = data["x"].tolist(), data["y"].tolist()
    named = dict(common.numbered(common.every(layers)))
    return descended(lambda: common.moons_loss(layers, x, y, relu), named)
