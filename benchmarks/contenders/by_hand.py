"""Gradients derived by hand, on bare NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import common
from .common import Arrays, Step


def lesson(weights: Arrays, data: Arrays) -> Step:
    w0, w1 = weights["w0"], weights["w1"]
    x, y = data["x"], data["y"]

    def deltas() -> tuple[Any, Any, Any, Any]:
        hidden = 1 / (1 + np.exp(-np.dot(x, w0)))
        output = 1 / (1 + np.exp(-np.dot(hidden, w1)))
        error = y - output
        output_delta = error * (output * (1 - output))
        hidden_delta = output_delta.dot(w1.T) * (hidden * (1 - hidden))
        return error, hidden, output_delta, hidden_delta

    def run() -> Callable[[], Any]:
        nonlocal w0, w1
        error, hidden, output_delta, hidden_delta = deltas()
        w1 = w1 + 0.1 * hidden.T.dot(output_delta)
        w0 = w0 + 0.1 * x.T.dot(hidden_delta)
        return lambda: 0.5 * np.sum(error**2)  # the step itself has no use for its value

    def gradients() -> tuple[Any, Arrays]:
        error, hidden, output_delta, hidden_delta = deltas()
        found = {"w0": -x.T.dot(hidden_delta), "w1": -hidden.T.dot(output_delta)}
        return 0.5 * np.sum(error**2), found

    return Step(run, gradients)


def repeat(weights: Arrays, data: Arrays) -> Step:
    step = lesson(weights, data)

    def run() -> Any:
        for _ in range(1000):
            loss = step.run()
        return loss

    return Step(run, step.gradients)


def mlp(weights: Arrays, data: Arrays) -> Step:
    x, y = data["x"], data["y"]
    w, optimizer = list(weights.values()), common.Adam(list(weights.values()))
    rows = np.arange(len(y))

    def gradients() -> tuple[Any, Arrays]:
        inputs = [x]
        for i in range(3):
            out = inputs[-1] @ w[2 * i].T
            out += w[2 * i + 1]
            if i < 2:
                inputs.append(np.maximum(out, 0, out=out))
        out -= out.max(axis=1, keepdims=True)
        delta = np.exp(out)
        total = delta.sum(axis=1, keepdims=True)
        loss = np.mean(np.log(total[:, 0]) - out[rows, y])
        delta /= total
        delta[rows, y] -= 1
        delta /= np.float32(len(y))
        found: list[np.ndarray] = []
        for i in reversed(range(3)):
            found = [delta.T @ inputs[i], delta.sum(axis=0), *found]
            if i:
                delta = (delta @ w[2 * i]) * (inputs[i] > 0)
        return loss, dict(zip(weights, found, strict=True))

    def run() -> Any:
        loss, found = gradients()
        optimizer.step(list(found.values()))
        return loss

    return Step(run, gradients)


def dbn(weights: Arrays, data: Arrays) -> Step:
    x = data["x"]
    weight, below, above = weights.values()
    optimizer = common.Momentum(list(weights.values()))

    def moments(v: Any) -> tuple[Any, ...]:
        hidden = v @ weight.T + above
        chance = 1 / (1 + np.exp(-hidden))
        energy = -(v @ below) - np.logaddexp(hidden, np.float32(0)).sum(axis=1)
        return energy.mean(), chance.T @ v, v.sum(axis=0), chance.sum(axis=0)

    def gradients() -> tuple[Any, Arrays]:
        given, made = moments(x), moments(common.reconstructed(weights, data))
        count = np.float32(len(x))
        found = [(b - a) / count for a, b in zip(given[1:], made[1:], strict=True)]
        return given[0] - made[0], dict(zip(weights, found, strict=True))

    def run() -> Any:
        loss, found = gradients()
        optimizer.step(list(found.values()))
        return loss

    return Step(run, gradients)


def chain(weights: Arrays, data: Arrays) -> Step:
    x = weights["x"]

    def run() -> tuple[Any, Any]:
        t, s = np.tanh(x), 1 / (1 + np.exp(-x))
        e = np.exp(t * s)
        loss = np.log1p(e).sum()
        outer = e / (1 + e)
        return loss, outer * ((1 - t * t) * s + t * (s * (1 - s)))

    def gradients() -> tuple[Any, Arrays]:
        loss, gradient = run()
        return loss, {"x": gradient}

    return Step(run, gradients)
