"""Recurrences: states step by step, and flows as the linear systems that they solve."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles

sigmoid = scipy.special.expit


def floating(x: Any) -> Any:
    return x if x.dtype.kind == "f" else x.astype(float)


def rnn_states(x: Any, start: Any, w: Any, nonlinearity: str) -> Any:
    x, start, w = map(floating, (x, start, w))
    states = [start]
    for drive in x:
        total = drive + states[-1] @ w.T
        states.append(np.tanh(total) if nonlinearity == "tanh" else np.maximum(total, 0))
    return np.array(states)


def lstm_states(x: Any, start: Any, w: Any) -> Any:
    x, start, w = map(floating, (x, start, w))
    states = [start]
    for drive in x:
        h, c = states[-1]
        i, f, g, o = np.split(drive + h @ w.T, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        states.append(np.array([sigmoid(o) * np.tanh(c), c]))
    return np.array(states)


def gru_states(x: Any, start: Any, w: Any, bias: Any) -> Any:
    x, start, w, bias = map(floating, (x, start, w, bias))
    states = [start]
    for drive in x:
        h = states[-1]
        from_x, from_h = np.split(drive, 3, axis=1), np.split(h @ w.T + bias, 3, axis=1)
        r, z = (sigmoid(from_x[k] + from_h[k]) for k in range(2))
        n = np.tanh(from_x[2] + r * from_h[2])
        states.append((1 - z) * n + z * h)
    return np.array(states)


def solved(x: Any, step: Any, reverse: bool) -> Any:
    """The flow from the sources `x`, where `step(t)` is the matrix from one state to the next."""
    steps, size = len(x) - 1, x[0].size
    whole = np.eye(x.size).reshape(steps + 1, size, steps + 1, size)
    for t in range(steps):
        whole[t + 1, :, t] -= step(t)
    matrix = whole.reshape(x.size, x.size)
    return np.linalg.solve(matrix.T if reverse else matrix, x.ravel()).reshape(x.shape)


def from_h(mix: Any, w: Any, t: int) -> Any:
    """For each gate, the matrix from the state before to what the gate lets in."""
    _, count, gates, size = mix.shape
    weights = w.reshape(gates, size, size)
    return np.einsum("nki,kij,nm->knimj", mix[t], weights, np.eye(count)).reshape(
        gates, count * size, count * size
    )


def recurrent_flow(x: Any, mix: Any, keep: Any, w: Any, reverse: bool) -> Any:
    x, mix, keep, w = map(floating, (x, mix, keep, w))
    return solved(x, lambda t: from_h(mix, w, t).sum(0) + np.diag(keep[t].ravel()), reverse)


def memory_flow(x: Any, mix: Any, keep: Any, show: Any, w: Any, reverse: bool) -> Any:
    x, mix, keep, show, w = map(floating, (x, mix, keep, show, w))
    one = np.eye(keep[0].size)
    nothing = np.zeros_like(one)
    within = [
        np.block([[one, np.diag(s.ravel())], [nothing, one]])  # h sees the new c
        for s in (np.zeros_like(keep[0]), *show)
    ]

    def step(t: int) -> Any:
        gates = from_h(mix, w, t)
        kept = np.diag(keep[t].ravel())
        return np.block([[gates[-1], nothing], [gates[:-1].sum(0), kept]])

    size = x[0].size
    whole = np.zeros((len(x), size, len(x), size))
    for t, inner in enumerate(within):
        whole[t, :, t] = np.linalg.inv(inner)
        if t:
            whole[t, :, t - 1] = -step(t - 1)
    matrix = whole.reshape(x.size, x.size)
    return np.linalg.solve(matrix.T if reverse else matrix, x.ravel()).reshape(x.shape)


VALUES: Oracles = {
    "rnn_states": rnn_states,
    "lstm_states": lstm_states,
    "gru_states": gru_states,
    "recurrent_flow": recurrent_flow,
    "memory_flow": memory_flow,
}

MIX, KEEP = uniform(-1, 1, (2, 20, 1, 20)), uniform(-1, 1, (2, 20, 20))
SQUARE = uniform(-0.3, 0.3, (20, 20))
GATES, FEW = uniform(-1, 1, (1, 40, 4, 10)), uniform(-1, 1, (1, 40, 10))

LARGE: Calls = {
    "rnn_states": [sample(uniform(-1, 1, (2, 20, 20)), uniform(-1, 1, (20, 20)), SQUARE)],
    "lstm_states": [
        sample(uniform(-1, 1, (1, 20, 40)), uniform(-1, 1, (2, 20, 10)), uniform(-1, 1, (40, 10)))
    ],
    "gru_states": [
        sample(
            uniform(-1, 1, (1, 34, 36)),
            uniform(-1, 1, (34, 12)),
            uniform(-1, 1, (36, 12)),
            uniform(-1, 1, (36,)),
        ),
    ],
    "recurrent_flow": [
        sample(uniform(-1, 1, (3, 20, 20)), MIX, KEEP, SQUARE, reverse=reverse)
        for reverse in (False, True)
    ],
    "memory_flow": [
        sample(uniform(-1, 1, (2, 2, 40, 10)), GATES, FEW, FEW, uniform(-1, 1, (40, 10)))
    ],
}
