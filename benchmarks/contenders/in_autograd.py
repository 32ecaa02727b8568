"""HIPS autograd."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad

from . import common

Arrays = dict[str, Any]
Step = Callable[[], Any]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def lesson(weights: Arrays, data: Arrays) -> Step:
    x, y = data["x"], data["y"]
    w = [weights["w0"], weights["w1"]]
    both = value_and_grad(
        lambda w: 0.5 * np.sum((y - sigmoid(np.dot(sigmoid(np.dot(x, w[0])), w[1]))) ** 2)
    )

    def step() -> Any:
        loss, gradients = both(w)
        w[:] = [a - 0.1 * g for a, g in zip(w, gradients, strict=True)]
        return loss

    return step


def mlp(weights: Arrays, data: Arrays) -> Step:
    x, y = data["x"], data["y"]
    names, rows = list(weights), np.arange(len(y))
    optimizer = common.Adam(list(weights.values()))

    def model(arrays: list[Any]) -> Any:
        w = dict(zip(names, arrays, strict=True))
        out = x
        for i in "0", "2", "4":
            out = np.dot(out if i == "0" else np.maximum(out, 0), w[f"{i}.weight"].T)
            out = out + w[f"{i}.bias"]
        out = out - np.max(out, axis=1, keepdims=True)
        logs = out - np.log(np.sum(np.exp(out), axis=1, keepdims=True))
        return -np.mean(logs[rows, y])

    both = value_and_grad(model)

    def step() -> Any:
        loss, gradients = both(optimizer.arrays)
        optimizer.step(gradients)
        return loss

    return step


def chain(weights: Arrays, data: Arrays) -> Step:
    both = value_and_grad(lambda x: np.sum(np.log1p(np.exp(np.tanh(x) * sigmoid(x)))))
    return lambda: both(weights["x"])
