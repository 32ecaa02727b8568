"""What has few numbers, or no network: the lesson, scalars, a chain of ops, a hessian."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .drawing import Arrays, normal

NUMBERS = 4_000_000  # of the elementwise chain


def lesson(_: np.random.Generator) -> tuple[Arrays, Arrays]:
    random = np.random.RandomState(1)
    weights = {"w0": 2 * random.random((3, 4)) - 1, "w1": 2 * random.random((4, 1)) - 1}
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
    return weights, {"x": x, "y": np.array([[0], [1], [1], [0]], dtype=float)}


def chain(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    return {"x": normal(random, NUMBERS)}, {}


def moons(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    sizes = (2, 16, 16, 1)
    weights: Arrays = {}
    for i, (size, out) in enumerate(pairwise(sizes)):
        weights[f"{i}.weight"] = random.uniform(-1, 1, (out, size))
        weights[f"{i}.bias"] = np.zeros(out)
    angle = np.linspace(0, np.pi, 50)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.concatenate([upper, [1, 0.5] - upper]) + 0.1 * random.standard_normal((100, 2))
    return weights, {"x": x, "y": np.repeat([1.0, -1.0], 50)}


def hessian(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = {"theta": random.standard_normal(4 * 8 + 8 + 8 + 1)}
    x = random.standard_normal((64, 4))
    return weights, {"x": x, "y": np.sin(x.sum(axis=1, keepdims=True))}
