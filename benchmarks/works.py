"""The training steps that compare.py measures: their data and the weights that they start from.

Weights have PyTorch's names and layouts. Every contender builds its step from the same arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]

SYMBOLS = 64  # of the character models
STEPS = 64  # of their sequences
WIDTH, HEADS, BLOCKS = 128, 4, 2  # of the transformer
NUMBERS = 4_000_000  # of the elementwise chain


class Work(NamedTuple):
    """A training step: what it is, and what makes its weights and data."""

    title: str
    make: Callable[[np.random.Generator], tuple[Arrays, Arrays]]


def _linear(random: np.random.Generator, name: str, out: int, *shape: int) -> Arrays:
    """Weight and bias of a layer, uniform as PyTorch starts them."""
    bound = 1 / np.sqrt(np.prod(shape))
    return {
        f"{name}.weight": random.uniform(-bound, bound, (out, *shape)).astype(np.float32),
        f"{name}.bias": random.uniform(-bound, bound, out).astype(np.float32),
    }


def _normal(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32)


def _lesson(_: np.random.Generator) -> tuple[Arrays, Arrays]:
    random = np.random.RandomState(1)
    weights = {"w0": 2 * random.random((3, 4)) - 1, "w1": 2 * random.random((4, 1)) - 1}
    x = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
    return weights, {"x": x, "y": np.array([[0], [1], [1], [0]], dtype=float)}


def _mlp(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    sizes = (784, 256, 128, 10)
    weights: Arrays = {}
    for i, (size, out) in enumerate(pairwise(sizes)):
        weights |= _linear(random, str(2 * i), out, size)
    return weights, {"x": _normal(random, 128, 784), "y": random.integers(0, 10, 128)}


def _cnn(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = (
        _linear(random, "0", 16, 1, 3, 3)
        | _linear(random, "3", 32, 16, 3, 3)
        | _linear(random, "7", 10, 32 * 7 * 7)
    )
    return weights, {"x": _normal(random, 64, 1, 28, 28), "y": random.integers(0, 10, 64)}


def _lstm(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    into, across = _linear(random, "w", 4 * 128, 64), _linear(random, "w", 4 * 128, 128)
    weights = {
        "embedding.weight": _normal(random, SYMBOLS, 64),
        "lstm.weight_ih_l0": into["w.weight"],
        "lstm.weight_hh_l0": across["w.weight"],
        "lstm.bias_ih_l0": into["w.bias"],
        "lstm.bias_hh_l0": across["w.bias"],
    }
    text = random.integers(0, SYMBOLS, (STEPS + 1, 32))
    weights |= _linear(random, "head", SYMBOLS, 128)
    return weights, {"x": text[:-1], "y": text[1:].reshape(-1)}


def _transformer(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = {
        "embedding.weight": _normal(random, SYMBOLS, WIDTH),
        "positions": _normal(random, STEPS, WIDTH),
    }
    for block in range(BLOCKS):
        into = _linear(random, "w", 3 * WIDTH, WIDTH)
        layers = {
            "self_attn.in_proj_weight": into["w.weight"],
            "self_attn.in_proj_bias": into["w.bias"],
            **_linear(random, "self_attn.out_proj", WIDTH, WIDTH),
            **_linear(random, "linear1", 4 * WIDTH, WIDTH),
            **_linear(random, "linear2", WIDTH, 4 * WIDTH),
        }
        for norm in "norm1", "norm2":
            layers[f"{norm}.weight"] = np.ones(WIDTH, np.float32)
            layers[f"{norm}.bias"] = np.zeros(WIDTH, np.float32)
        weights |= {f"blocks.{block}.{name}": array for name, array in layers.items()}
    text = random.integers(0, SYMBOLS, (16, STEPS + 1))
    weights |= _linear(random, "head", SYMBOLS, WIDTH)
    return weights, {"x": text[:, :-1], "y": text[:, 1:].reshape(-1)}


def _chain(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    return {"x": _normal(random, NUMBERS)}, {}


def _moons(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    sizes = (2, 16, 16, 1)
    weights: Arrays = {}
    for i, (size, out) in enumerate(pairwise(sizes)):
        weights[f"{i}.weight"] = random.uniform(-1, 1, (out, size))
        weights[f"{i}.bias"] = np.zeros(out)
    angle = np.linspace(0, np.pi, 50)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.concatenate([upper, [1, 0.5] - upper]) + 0.1 * random.standard_normal((100, 2))
    return weights, {"x": x, "y": np.repeat([1.0, -1.0], 50)}


WORKS = {
    "lesson": Work("Lesson 1's net 3-4-1, sigmoid, 4 rows, float64, SGD", _lesson),
    "mlp": Work("MLP 784-256-128-10, relu, batch 128, Adam", _mlp),
    "cnn": Work("CNN 1-16-32, 3x3, 2x2 max pooling, 64 images of 28x28, Adam", _cnn),
    "lstm": Work("LSTM 64-128 on 64 characters, batch 32, Adam", _lstm),
    "transformer": Work(
        "Transformer, 2 blocks, width 128, 4 heads, 16x64 tokens, Adam", _transformer
    ),
    "chain": Work("sum(log1p(exp(tanh(x) * sigmoid(x)))) and its gradient, 4M floats", _chain),
    "moons": Work("Two moons on scalars, 2-16-16-1, 100 points, float64, SGD", _moons),
}


def made(name: str) -> tuple[Arrays, Arrays]:
    """The weights that a work starts from, and its data; the same at each call."""
    return WORKS[name].make(np.random.default_rng(0))
