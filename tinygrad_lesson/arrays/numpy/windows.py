"""Kernels of sliding windows."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import Array

Ints = tuple[int, ...]


def windows(x: Array, window_shape: Ints, axis: Ints, stride: Ints, dilation: Ints) -> Array:
    shape, steps = list(x.shape), list(x.strides)
    for a, size, hop, gap in zip(axis, window_shape, stride, dilation, strict=True):
        shape[a] = (x.shape[a] - (size - 1) * gap - 1) // hop + 1
        steps[a] = x.strides[a] * hop
        shape.append(size)
        steps.append(x.strides[a] * gap)
    return as_strided(x, shape, steps, writeable=False)


def overlap_add(x: Array, shape: Ints, axis: Ints, stride: Ints, dilation: Ints) -> Array:
    out = np.zeros(shape, x.dtype)
    counts, sizes = [x.shape[a] for a in axis], x.shape[len(shape) :]
    inner = range(len(shape), x.ndim)  # the axes of a window
    # One vectorised sum for each place in a window, or for each window: whichever are fewer.
    by_window = math.prod(counts) < math.prod(sizes)
    fixed, starts, steps = (axis, stride, dilation) if by_window else (inner, dilation, stride)
    lengths = sizes if by_window else counts
    for place in itertools.product(*map(range, counts if by_window else sizes)):
        source: list[Any] = [slice(None)] * x.ndim
        target = [slice(None)] * len(shape)
        for n, i in enumerate(place):
            source[fixed[n]] = i
            first = i * starts[n]
            target[axis[n]] = slice(first, first + steps[n] * (lengths[n] - 1) + 1, steps[n])
        part = x[tuple(source)]
        if by_window:
            part = np.moveaxis(part, range(len(shape) - len(axis), len(shape)), axis)
        view = out[tuple(target)]
        view += part
    return out
