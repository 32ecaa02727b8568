"""Kernels of recurrences over a lattice: a loop over time, all else at once."""

from __future__ import annotations

import numpy as np

from .. import Array
from .floats import in_one_dtype


def lattice_logsums(start: Array, emissions: Array, skip: Array) -> Array:
    (start, emissions), dtype = in_one_dtype(start, emissions)
    times, *states = emissions.shape
    out = np.empty((times + 1, *states), emissions.dtype)
    out[0] = start
    incoming = np.full((3, *states), -np.inf, emissions.dtype)
    shares = np.empty_like(incoming)
    lowest = np.finfo(emissions.dtype).min  # -inf - -inf would be NaN
    with np.errstate(divide="ignore"):  # log(0)
        for t in range(times):
            incoming[0] = out[t]
            incoming[1, :, 1:] = out[t, :, :-1]
            np.copyto(incoming[2, :, 2:], out[t, :, :-2], where=skip[:, 2:])
            top = np.maximum(incoming.max(axis=0), lowest)
            np.subtract(incoming, top, out=shares)
            np.exp(shares, out=shares)
            after = out[t + 1]
            np.add.reduce(shares, axis=0, out=after)
            np.log(after, out=after)
            after += top
            after += emissions[t]
    return out.astype(dtype, copy=False)


def lattice_flow(x: Array, weights: Array, reverse: bool = False) -> Array:
    (x, weights), dtype = in_one_dtype(x, weights)
    out = np.array(x, order="C")
    times = len(x) - 1
    bands = [(by, x.shape[-1] - by) for by in range(min(len(weights), x.shape[-1]))]
    for t in reversed(range(times)) if reverse else range(times):
        for by, width in bands:
            weight = weights[by, t, :, by:]
            if reverse:
                out[t, :, :width] += weight * out[t + 1, :, by:]
            else:
                out[t + 1, :, by:] += weight * out[t, :, :width]
    return out.astype(dtype, copy=False)
