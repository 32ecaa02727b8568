"""Networks of the usual kinds: linear, convolutional, recurrent, with attention."""

from __future__ import annotations

import numpy as np

from .drawing import Arrays, layers, normal, uniform

SYMBOLS = 64  # of the character models
STEPS = 64  # of their sequences
WIDTH, HEADS, BLOCKS = 128, 4, 2  # of the transformer


def mlp(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = layers(random, (784, 256, 128, 10))
    return weights, {"x": normal(random, 128, 784), "y": random.integers(0, 10, 128)}


def cnn(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = (
        uniform(random, "0", 16, 1, 3, 3)
        | uniform(random, "3", 32, 16, 3, 3)
        | uniform(random, "7", 10, 32 * 7 * 7)
    )
    return weights, {"x": normal(random, 64, 1, 28, 28), "y": random.integers(0, 10, 64)}


def lstm(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    return _recurrent(random, "lstm", 4)


def gru(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    return _recurrent(random, "gru", 3)


def _recurrent(random: np.random.Generator, name: str, gates: int) -> tuple[Arrays, Arrays]:
    into = uniform(random, "w", gates * 128, 64)
    across = uniform(random, "w", gates * 128, 128)
    weights = {
        "embedding.weight": normal(random, SYMBOLS, 64),
        f"{name}.weight_ih_l0": into["w.weight"],
        f"{name}.weight_hh_l0": across["w.weight"],
        f"{name}.bias_ih_l0": into["w.bias"],
        f"{name}.bias_hh_l0": across["w.bias"],
    }
    text = random.integers(0, SYMBOLS, (STEPS + 1, 32))
    weights |= uniform(random, "head", SYMBOLS, 128)
    return weights, {"x": text[:-1], "y": text[1:].reshape(-1)}


def transformer(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    weights = {
        "embedding.weight": normal(random, SYMBOLS, WIDTH),
        "positions": normal(random, STEPS, WIDTH),
    }
    for block in range(BLOCKS):
        into = uniform(random, "w", 3 * WIDTH, WIDTH)
        parts = {
            "self_attn.in_proj_weight": into["w.weight"],
            "self_attn.in_proj_bias": into["w.bias"],
            **uniform(random, "self_attn.out_proj", WIDTH, WIDTH),
            **uniform(random, "linear1", 4 * WIDTH, WIDTH),
            **uniform(random, "linear2", WIDTH, 4 * WIDTH),
        }
        for norm in "norm1", "norm2":
            parts[f"{norm}.weight"] = np.ones(WIDTH, np.float32)
            parts[f"{norm}.bias"] = np.zeros(WIDTH, np.float32)
        weights |= {f"blocks.{block}.{name}": array for name, array in parts.items()}
    text = random.integers(0, SYMBOLS, (16, STEPS + 1))
    weights |= uniform(random, "head", SYMBOLS, WIDTH)
    return weights, {"x": text[:, :-1], "y": text[:, 1:].reshape(-1)}
