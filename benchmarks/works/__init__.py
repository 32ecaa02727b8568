"""The training steps that compare.py measures: their data and the weights that they start from.

Weights have PyTorch's names and layouts. Every contender builds its step from the same arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import nets, others, small, texts
from .drawing import Arrays


class Work(NamedTuple):
    """A training step, or something like it.

    Parameters
    ----------
    title
        What it is.
    make
        Makes its weights and its data.
    steps
        How many steps one call takes: its time is divided by them.
    random
        Whether it draws numbers, so that only the first loss can be compared, without them.
    tolerance
        How far losses and gradients may be apart, relative to the largest.
    """

    title: str
    make: Callable[[np.random.Generator], tuple[Arrays, Arrays]]
    steps: int = 1
    random: bool = False
    tolerance: float = 2e-5


WORKS = {
    "lesson": Work("Lesson 1's net 3-4-1, sigmoid, 4 rows, float64, SGD", small.lesson,
                   tolerance=1e-9),
    "repeat": Work("The same, 1,000 steps in one call", small.lesson, steps=1000, tolerance=1e-9),
    "mlp": Work("MLP 784-256-128-10, relu, batch 128, Adam", nets.mlp),
    "cnn": Work("CNN 1-16-32, 3x3, 2x2 max pooling, 64 images of 28x28, Adam", nets.cnn),
    "lstm": Work("LSTM 64-128 on 64 characters, batch 32, Adam", nets.lstm),
    "transformer": Work("Transformer, 2 blocks, width 128, 4 heads, 16x64 tokens, Adam",
                        nets.transformer),
    "chain": Work("sum(log1p(exp(tanh(x) * sigmoid(x)))) and its gradient, 4M floats",
                  small.chain),
    "moons": Work("Two moons on scalars, 2-16-16-1, 100 points, float64, SGD", small.moons,
                  tolerance=1e-9),
    "resnet": Work("Residual CNN with batch norm, 3 blocks of 16, 32, 64 channels, 32 images of"
                   " 3x32x32, Adam", others.resnet),
    "gru": Work("GRU 64-128 on 64 characters, batch 32, Adam", nets.gru),
    "deep": Work("MLP of 20 layers of 64, tanh, batch 32, Adam", others.deep),
    "speech": Work("Two 1-d convolutions over 32 recordings of 100x40 bands, Adam", others.speech),
    "vae": Work("Variational autoencoder 784-400-20, batch 128, Adam", others.vae),
    "dbn": Work("Pretraining of a deep belief net: CD-1 of an RBM 784-500, batch 100, momentum",
                others.dbn),
    "hessian": Work("Hessian of an MLP 4-8-1 by its 49 weights, 64 rows, float64", small.hessian,
                    tolerance=1e-9),
    "text_rnn": Work("examples/text_rnn.py: 2 LSTMs of 192, 16x128 characters, AdamW",
                     texts.text_rnn, random=True),
    "gpt": Work("examples/gpt.py: 4 blocks of 128, 16x128 characters, AdamW", texts.gpt,
                random=True),
}  # fmt: skip


def made(name: str) -> tuple[Arrays, Arrays]:
    """The weights that a work starts from, and its data; the same at each call."""
    return WORKS[name].make(np.random.default_rng(0))
