"""MyGrad, without the guard that locks arrays: its documentation names that as the faster way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet import conv_nd, max_pool, relu, sigmoid, softmax_crossentropy

from . import common

Arrays = dict[str, np.ndarray]
Step = Callable[[], Any]

mg.turn_memory_guarding_off()


def lesson(weights: Arrays, data: Arrays) -> Step:
    w0, w1 = mg.tensor(weights["w0"]), mg.tensor(weights["w1"])
    x, y = data["x"], data["y"]

    def step() -> Any:
        output = sigmoid(mg.matmul(sigmoid(mg.matmul(x, w0)), w1))
        loss = mg.sum((y - output) ** 2) * 0.5
        loss.backward()
        for w in w0, w1:
            w.data = w.data - 0.1 * w.grad
        return loss

    return step


def trained(model: Callable[[Any], Any], weights: Arrays, y: np.ndarray) -> Step:
    w = {name: mg.tensor(array) for name, array in weights.items()}
    optimizer = common.Adam([t.data for t in w.values()])

    def step() -> Any:
        loss = softmax_crossentropy(model(w), y)
        loss.backward()
        optimizer.step([t.grad for t in w.values()])
        return loss

    return step


def linear(w: Any, name: str, x: Any) -> Any:
    return mg.matmul(x, w[f"{name}.weight"].T) + w[f"{name}.bias"]


def mlp(weights: Arrays, data: Arrays) -> Step:
    def model(w: Any) -> Any:
        return linear(w, "4", relu(linear(w, "2", relu(linear(w, "0", data["x"])))))

    return trained(model, weights, data["y"])


def cnn(weights: Arrays, data: Arrays) -> Step:
    def block(w: Any, name: str, x: Any) -> Any:
        x = conv_nd(x, w[f"{name}.weight"], stride=1, padding=1)
        return max_pool(relu(x + w[f"{name}.bias"].reshape(-1, 1, 1)), (2, 2), 2)

    def model(w: Any) -> Any:
        x = block(w, "3", block(w, "0", data["x"]))
        return linear(w, "7", x.reshape(len(x), -1))

    return trained(model, weights, data["y"])


def chain(weights: Arrays, data: Arrays) -> Step:
    x = mg.tensor(weights["x"])

    def step() -> Any:
        loss = mg.sum(mg.log1p(mg.exp(mg.tanh(x) * sigmoid(x))))
        loss.backward()
        return loss, x.grad

    return step


def moons(weights: Arrays, data: Arrays) -> Step:
    layers = common.scalars(weights, mg.tensor)
    x, y = data["x"].tolist(), data["y"].tolist()

    def step() -> Any:
        loss = common.moons_loss(layers, x, y, relu)
        loss.backward()
        for w in common.every(layers):
            w.data = w.data - 0.1 * w.grad
        return loss

    return step
