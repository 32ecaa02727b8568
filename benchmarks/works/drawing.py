"""Weights and data drawn at random."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

Arrays = dict[str, np.ndarray]


def uniform(random: np.random.Generator, name: str, out: int, *shape: int) -> Arrays:
    """Weight and bias of a layer, uniform as PyTorch starts them."""
    bound = 1 / np.sqrt(np.prod(shape))
    return {
        f"{name}.weight": random.uniform(-bound, bound, (out, *shape)).astype(np.float32),
        f"{name}.bias": random.uniform(-bound, bound, out).astype(np.float32),
    }


def layers(random: np.random.Generator, sizes: tuple[int, ...], every: int = 2) -> Arrays:
    """Linear layers of a Sequential, of which each `every`-th module is one."""
    weights: Arrays = {}
    for i, (size, out) in enumerate(pairwise(sizes)):
        weights |= uniform(random, str(every * i), out, size)
    return weights


def normal(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32)
