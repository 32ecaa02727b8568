"""The same training step here and in PyTorch, timed in turn.

Layers bear the same names in both libraries, so that one text builds both networks:

    def build(nn):
        return nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import tinygrad_lesson as tl

Build = Callable[[Any], Any]
Loss = Callable[..., Any]


def training_step(library: Any, build: Build, loss: Loss, batch: tuple[Any, ...]) -> Any:
    """A function that trains for one step on `batch`; the network is new."""
    model = build(library.nn)
    optimizer = library.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        loss(library, model, *batch).backward()
        optimizer.step()

    return step


def cross_entropy(library: Any, model: Any, inputs: Any, labels: Any) -> Any:
    """The loss of a network that tells classes apart, for :func:`compare`."""
    return library.nn.functional.cross_entropy(model(inputs), labels)


def compare(
    build: Build, loss: Loss, *batch: np.ndarray, steps: int = 20, compiled: bool = False
) -> str:
    """A line that says how long a training step takes here and in PyTorch.

    Parameters
    ----------
    build
        ``build(nn)`` makes the network from that library's layers.
    loss
        ``loss(library, model, *batch)`` is what the step minimises, with Adam.
    batch
        The arrays of one step; each library gets them as its own tensors.
    steps
        How many steps are timed, in turn. The medians are compared.
    compiled
        Whether this library's step is compiled.
    """
    try:
        import torch
    except ImportError:
        return "--compare-torch needs PyTorch: pip install torch"
    ours = training_step(tl, build, loss, tuple(tl.Tensor(array) for array in batch))
    theirs = training_step(torch, build, loss, tuple(torch.tensor(array) for array in batch))
    contenders = tl.compile(ours) if compiled else ours, theirs
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(steps + 3):  # the first three warm up
        for step, taken in zip(contenders, seconds, strict=True):
            start = time.perf_counter()
            step()
            taken.append(time.perf_counter() - start)
    here, there = (median(taken[3:]) * 1e3 for taken in seconds)
    return f"a step: {here:.2f} ms, PyTorch {there:.2f} ms, ratio {here / there:.2f}"
