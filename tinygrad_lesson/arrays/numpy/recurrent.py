"""Kernels of recurrent layers: a loop over time in buffers of its own, all else at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import Array


def _floating(*arrays: Array) -> tuple[list[Array], Any]:
    """The arrays in the dtype to compute in, and that of the result: half as single precision."""
    dtype = np.result_type(*arrays)
    if dtype.kind != "f":
        dtype = np.dtype(np.float64)
    work = np.float32 if dtype == np.float16 else dtype
    return [np.asarray(array, work) for array in arrays], dtype


def _from_start(start: Array, steps: int) -> Array:
    out = np.empty((steps + 1, *start.shape), start.dtype)
    out[0] = start
    return out


def rnn_states(x: Array, start: Array, w: Array, nonlinearity: str = "tanh") -> Array:
    (x, start, w), dtype = _floating(x, start, w)
    out = _from_start(start, len(x))
    columns = np.ascontiguousarray(w.T)
    for t, drive in enumerate(x):
        after = out[t + 1, 0]
        np.matmul(out[t, 0], columns, out=after)
        after += drive
        if nonlinearity == "tanh":
            np.tanh(after, out=after)
        else:
            np.maximum(after, 0, out=after)
    return out.astype(dtype, copy=False)


def lstm_states(x: Array, start: Array, w: Array) -> Array:
    (x, start, w), dtype = _floating(x, start, w)
    out = _from_start(start, len(x))
    _, count, size = start.shape
    # One tanh serves all gates: sigmoid(a) = tanh(a / 2) / 2 + 1 / 2.
    scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype), size)
    x, columns, shift = x * scale, np.ascontiguousarray(w.T) * scale, 1 - scale
    gates = np.empty((count, 4 * size), x.dtype)
    put, keep, new, let = (gates[:, k * size : (k + 1) * size] for k in range(4))
    for t, drive in enumerate(x):
        h, c = out[t + 1]
        np.matmul(out[t, 0], columns, out=gates)
        gates += drive
        np.tanh(gates, out=gates)
        gates *= scale
        gates += shift
        np.multiply(keep, out[t, 1], out=c)
        new *= put
        c += new
        np.tanh(c, out=h)
        h *= let
    return out.astype(dtype, copy=False)


def gru_states(x: Array, start: Array, w: Array, bias: Array) -> Array:
    (x, start, w, bias), dtype = _floating(x, start, w, bias)
    out = _from_start(start, len(x))
    _, count, size = start.shape
    scale = np.repeat(np.array([0.5, 0.5, 1], x.dtype), size)  # as in the LSTM
    x, columns, bias = x * scale, np.ascontiguousarray(w.T) * scale, bias * scale
    mixed = np.empty((count, 3 * size), x.dtype)
    both, new = mixed[:, : 2 * size], mixed[:, 2 * size :]
    reset, keep = both[:, :size], both[:, size:]
    for t, drive in enumerate(x):
        before, after = out[t, 0], out[t + 1, 0]
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


def recurrent_flow(x: Array, mix: Array, carry: Array, w: Array, reverse: bool = False) -> Array:
    (x, mix, carry, w), dtype = _floating(x, mix, carry, w)
    out = np.array(x, order="C")
    steps, kinds, count, gates, size = mix.shape
    through = np.empty((kinds, count, gates, size), x.dtype)
    carried = np.empty((kinds, kinds, count, size), x.dtype)
    mixed = np.empty((count, gates, size), x.dtype)
    flat = mixed.reshape(count, gates * size)
    columns = np.ascontiguousarray(w.T)
    for t in reversed(range(steps)) if reverse else range(steps):
        before, after = out[t], out[t + 1]
        if reverse:
            np.multiply(mix[t], after[:, :, None], out=through)
            np.add.reduce(through, axis=0, out=mixed)
            before[0] += flat @ w
            np.multiply(carry[t], after[:, None], out=carried)
            before += np.add.reduce(carried, axis=0)
        else:
            np.matmul(before[0], columns, out=flat)
            np.multiply(mix[t], mixed, out=through)
            after += np.add.reduce(through, axis=2)
            np.multiply(carry[t], before, out=carried)
            after += np.add.reduce(carried, axis=1)
    return out.astype(dtype, copy=False)
