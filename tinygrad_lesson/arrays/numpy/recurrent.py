"""Kernels of recurrent layers: a loop over time in buffers of its own, all else at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import Array
from .floats import in_one_dtype


def _from_start(start: Array, steps: int) -> Array:
    out = np.empty((steps + 1, *start.shape), start.dtype)
    out[0] = start
    return out


def rnn_states(x: Array, start: Array, w: Array, nonlinearity: str = "tanh") -> Array:
    (x, start, w), dtype = in_one_dtype(x, start, w)
    out = _from_start(start, len(x))
    columns = np.ascontiguousarray(w.T)
    for t, drive in enumerate(x):
        after = out[t + 1]
        np.matmul(out[t], columns, out=after)
        after += drive
        if nonlinearity == "tanh":
            np.tanh(after, out=after)
        else:
            np.maximum(after, 0, out=after)
    return out.astype(dtype, copy=False)


def lstm_states(x: Array, start: Array, w: Array) -> Array:
    (x, start, w), dtype = in_one_dtype(x, start, w)
    return lstm_states_and_gates(x, start, w)[0].astype(dtype, copy=False)


def lstm_states_and_gates(x: Array, start: Array, w: Array) -> tuple[Array, Array]:
    """The states, and what the gates were after their nonlinearities, of shape (T, N, 4 * H)."""
    out = _from_start(start, len(x))
    _, count, size = start.shape
    # One tanh serves all gates: sigmoid(a) = tanh(a / 2) / 2 + 1 / 2.
    scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype), size)
    gates, columns, shift = x * scale, np.ascontiguousarray(w.T) * scale, 1 - scale
    mixed, term = np.empty((count, 4 * size), x.dtype), np.empty((count, size), x.dtype)
    for t, gate in enumerate(gates):
        np.matmul(out[t, 0], columns, out=mixed)
        gate += mixed
        np.tanh(gate, out=gate)
        gate *= scale
        gate += shift
        put, keep, new, let = _quarters(gate)
        h, c = out[t + 1]
        np.multiply(keep, out[t, 1], out=c)
        np.multiply(put, new, out=term)
        c += term
        np.tanh(c, out=h)
        h *= let
    return out, gates


def lstm_gradients(g: Array, out: Array, gates: Array, w: Array) -> tuple[Array, Array, Array]:
    """The gradients of :func:`lstm_states` for x, start and w.

    They are what the derivative rules give, but from the gates that were kept, and in one loop that
    stays in the cache.
    """
    steps, count, width = gates.shape
    size = width // 4
    seen = np.tanh(out[1:, 1])
    into_gates = np.empty_like(gates)
    flow, term = np.array(g[-1]), np.empty((count, size), g.dtype)
    dh, dc = flow
    for t in reversed(range(steps)):
        gate, into = gates[t], into_gates[t]
        put, keep, new, let = _quarters(gate)
        into_put, into_keep, into_new, into_let = _quarters(into)
        np.multiply(seen[t], seen[t], out=term)
        np.subtract(1, term, out=term)
        term *= let
        term *= dh
        dc += term
        np.subtract(1, gate, out=into)  # the slope of sigmoid is s (1 - s),
        into *= gate
        np.multiply(new, new, out=into_new)  # and that of tanh 1 - t t
        np.subtract(1, into_new, out=into_new)
        for part, factor in ((into_put, new), (into_keep, out[t, 1]), (into_new, put)):
            part *= factor
            part *= dc
        into_let *= seen[t]
        into_let *= dh
        np.matmul(into, w, out=dh)
        dh += g[t, 0]
        dc *= keep
        dc += g[t, 1]
    rows, before = into_gates.reshape(steps * count, width), out[:-1, 0].reshape(-1, size)
    return into_gates, flow, rows.T @ before


def _quarters(gate: Array) -> Iterator[Array]:
    size = gate.shape[1] // 4
    return (gate[:, k * size : (k + 1) * size] for k in range(4))


def gru_states(x: Array, start: Array, w: Array, bias: Array) -> Array:
    (x, start, w, bias), dtype = in_one_dtype(x, start, w, bias)
    out = _from_start(start, len(x))
    count, size = start.shape
    scale = np.repeat(np.array([0.5, 0.5, 1], x.dtype), size)  # as in the LSTM
    x, columns, bias = x * scale, np.ascontiguousarray(w.T) * scale, bias * scale
    mixed = np.empty((count, 3 * size), x.dtype)
    both, new = mixed[:, : 2 * size], mixed[:, 2 * size :]
    reset, keep = both[:, :size], both[:, size:]
    for t, drive in enumerate(x):
        before, after = out[t], out[t + 1]
        np.matmul(before, columns, out=mixed)
        mixed += bias
        both += drive[:, : 2 * size]
        np.tanh(both, out=both)
        both *= 0.5
        both += 0.5
        new *= reset
        new += drive[:, 2 * size :]
        np.tanh(new, out=new)
        np.subtract(before, new, out=after)
        after *= keep
        after += new
    return out.astype(dtype, copy=False)


def recurrent_flow(x: Array, mix: Array, keep: Array, w: Array, reverse: bool = False) -> Array:
    (x, mix, keep, w), dtype = in_one_dtype(x, mix, keep, w)
    out = np.array(x, order="C")
    steps, count, gates, size = mix.shape
    mixed = np.empty((count, gates, size), x.dtype)
    flat = mixed.reshape(count, gates * size)
    term = np.empty((count, size), x.dtype)
    columns = np.ascontiguousarray(w.T)
    for t in reversed(range(steps)) if reverse else range(steps):
        before, after = out[t], out[t + 1]
        if reverse:
            np.multiply(mix[t], after[:, None], out=mixed)
            np.matmul(flat, w, out=term)
            before += term
            np.multiply(keep[t], after, out=term)
            before += term
        else:
            np.matmul(before, columns, out=flat)
            mixed *= mix[t]
            np.add.reduce(mixed, axis=1, out=term)
            after += term
            np.multiply(keep[t], before, out=term)
            after += term
    return out.astype(dtype, copy=False)


def memory_flow(
    x: Array, mix: Array, keep: Array, show: Array, w: Array, reverse: bool = False
) -> Array:
    (x, mix, keep, show, w), dtype = in_one_dtype(x, mix, keep, show, w)
    out = np.array(x, order="C")
    steps, count, gates, size = mix.shape
    mixed = np.empty((count, gates, size), x.dtype)
    flat = mixed.reshape(count, gates * size)
    into_c, into_h = mixed[:, :-1], mixed[:, -1]
    term = np.empty((count, size), x.dtype)
    columns = np.ascontiguousarray(w.T)
    for t in reversed(range(steps)) if reverse else range(steps):
        (h, c), (next_h, next_c) = out[t], out[t + 1]
        if reverse:
            np.multiply(show[t], next_h, out=term)
            next_c += term
            np.multiply(mix[t, :, :-1], next_c[:, None], out=into_c)
            np.multiply(mix[t, :, -1], next_h, out=into_h)
            np.matmul(flat, w, out=term)
            h += term
            np.multiply(keep[t], next_c, out=term)
            c += term
        else:
            np.matmul(h, columns, out=flat)
            mixed *= mix[t]
            np.add.reduce(into_c, axis=1, out=term)
            next_c += term
            np.multiply(keep[t], c, out=term)
            next_c += term
            next_h += into_h
            np.multiply(show[t], next_c, out=term)
            next_h += term
    return out.astype(dtype, copy=False)
