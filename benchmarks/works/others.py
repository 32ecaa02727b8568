"""Networks of more kinds: residual, deep, for sound, autoencoders, Boltzmann machines."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .drawing import Arrays, layers, normal, uniform

CHANNELS = (16, 16, 32, 64)  # of the residual net: after the stem, and after each block
LAYERS = 20  # of the deep net
CODE = 20  # numbers that the autoencoder makes of a picture


def resnet(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights: Arrays = {}

    def convolution(name: str, out: int, inputs: int, size: int) -> None:
        weights[f"{name}.weight"] = uniform(random, "w", out, inputs, size, size)["w.weight"]

    def norm(name: str, channels: int) -> None:
        weights[f"{name}.weight"] = random.uniform(0.5, 1.5, channels).astype(np.float32)
        weights[f"{name}.bias"] = random.uniform(-0.5, 0.5, channels).astype(np.float32)

    convolution("stem", CHANNELS[0], 3, 3)
    norm("norm", CHANNELS[0])
    for i, (inputs, out) in enumerate(pairwise(CHANNELS)):
        convolution(f"blocks.{i}.first", out, inputs, 3)
        norm(f"blocks.{i}.norm1", out)
        convolution(f"blocks.{i}.second", out, out, 3)
        norm(f"blocks.{i}.norm2", out)
        if inputs != out:
            convolution(f"blocks.{i}.shortcut", out, inputs, 1)
    weights.update(uniform(random, "head", 10, CHANNELS[-1]))
    return weights, {"x": normal(random, 32, 3, 32, 32), "y": random.integers(0, 10, 32)}


def deep(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = layers(random, (64,) * LAYERS + (10,))
    return weights, {"x": normal(random, 32, 64), "y": random.integers(0, 10, 32)}


def speech(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = (
        uniform(random, "0", 64, 40, 5)
        | uniform(random, "3", 64, 64, 5)
        | uniform(random, "7", 10, 64 * 25)
    )
    return weights, {"x": normal(random, 32, 40, 100), "y": random.integers(0, 10, 32)}


def vae(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = (
        uniform(random, "encoder", 400, 784)
        | uniform(random, "code", 2 * CODE, 400)
        | uniform(random, "decoder", 400, CODE)
        | uniform(random, "picture", 784, 400)
    )
    x = random.random((128, 784), dtype=np.float32)
    return weights, {"x": x, "noise": normal(random, 128, CODE)}


def dbn(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = {
        "weight": 0.01 * normal(random, 500, 784),
        "visible_bias": np.zeros(784, np.float32),
        "hidden_bias": np.zeros(500, np.float32),
    }
    x = (random.random((100, 784)) < 0.2).astype(np.float32)
    chances = {
        "hidden_chance": random.random((100, 500), dtype=np.float32),
        "visible_chance": random.random((100, 784), dtype=np.float32),
    }
    return weights, {"x": x, **chances}
