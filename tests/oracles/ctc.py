"""Values of recurrences over a lattice by NumPy, and of CTC by listing every alignment."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_lesson.samples import booleans, sample, uniform

from .shared import Calls, Oracles


def floating(x: Any) -> Any:
    return x if x.dtype.kind == "f" else x.astype(float)


def lattice_logsums(start: Any, emissions: Any, skip: Any) -> Any:
    sums = [floating(start)]
    for emission in floating(emissions):
        before = np.pad(sums[-1], ((0, 0), (2, 0)), constant_values=-np.inf)
        leap = np.where(skip, before[:, :-2], -np.inf)
        sums.append(emission + np.logaddexp.reduce([before[:, 2:], before[:, 1:-1], leap]))
    return np.array(sums)


def lattice_flow(x: Any, weights: Any, reverse: bool) -> Any:
    """The linear system that says: each state has its source, and what comes in."""
    x, weights = floating(x), floating(weights)
    times, count, states = x.shape
    out = np.empty_like(x)
    for n in range(count):
        matrix = np.eye(times * states).reshape(times, states, times, states)
        for (j, t, s), weight in np.ndenumerate(weights[:, :, n]):
            if s >= j:
                matrix[t + 1, s, t, s - j] -= weight
        matrix = matrix.reshape(times * states, times * states)
        flow = np.linalg.solve(matrix.T if reverse else matrix, x[:, n].ravel())
        out[:, n] = flow.reshape(times, states)
    return out


def collapsed(path: Any, blank: int) -> list[int]:
    """What a path reads: repetitions merged, then blanks dropped."""
    return [label for label, _ in itertools.groupby(path) if label != blank]


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int,
    zero_infinity: bool,
) -> Any:
    log_probs = floating(log_probs)
    losses = []
    for n, (times, length) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        wanted = list(targets[n, :length])
        scores = [
            log_probs[np.arange(times), n, list(path)].sum()
            for path in itertools.product(range(log_probs.shape[2]), repeat=int(times))
            if collapsed(path, blank) == wanted
        ]
        losses.append(-np.logaddexp.reduce(scores) if scores else 0 if zero_infinity else np.inf)
    return np.array(losses, log_probs.dtype)


VALUES: Oracles = {
    "lattice_logsums": lattice_logsums,
    "lattice_flow": lattice_flow,
    "ctc_loss": ctc_loss,
}

STATES, TIMES = uniform(-3, 0, (20, 20)), uniform(-3, 0, (2, 20, 20))
SOURCES, WEIGHTS = uniform(-3, 3, (5, 4, 20)), uniform(0, 1, (3, 4, 4, 20))

LARGE: Calls = {
    "lattice_logsums": [sample(STATES, TIMES, booleans((20, 20)))],
    "lattice_flow": [sample(SOURCES, WEIGHTS), sample(SOURCES, WEIGHTS, reverse=True)],
}
