"""Kernels that add a border, and take it away."""

from __future__ import annotations

import numpy as np

from .. import Array

Widths = tuple[tuple[int, int], ...]


def _sources(length: int, width: tuple[int, int], mode: str) -> Array:
    """For each place along a padded axis, the number of the element that is put there."""
    return np.pad(np.arange(length), width, mode)  # type: ignore[call-overload]


def pad(x: Array, pad_width: Widths, mode: str = "constant", constant_values: float = 0) -> Array:
    if x.dtype.kind in "biu" and constant_values != x.dtype.type(constant_values):
        raise TypeError("the constant would be cut")  # NumPy would do it without a word
    shape = tuple(n + a + b for n, (a, b) in zip(x.shape, pad_width, strict=True))
    out = np.full(shape, constant_values, x.dtype)
    out[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, pad_width, strict=True))] = x
    if mode == "constant":
        return out
    for axis, (before, after) in enumerate(pad_width):
        padded, end = np.moveaxis(out, axis, 0), before + x.shape[axis]
        sources = before + _sources(x.shape[axis], (before, after), mode)
        padded[:before] = padded[sources[:before]]
        padded[end:] = padded[sources[end:]]
    return out


def unpad(x: Array, pad_width: Widths, mode: str = "constant") -> Array:
    for axis, (before, after) in enumerate(pad_width):
        padded, end = np.moveaxis(x, axis, 0), x.shape[axis] - after
        inner = padded[before:end]
        if mode != "constant" and (before, after) != (0, 0):
            inner = inner.copy(order="K")
            sources = _sources(end - before, (before, after), mode)
            for place in (*range(before), *range(end, len(padded))):
                inner[sources[place]] += padded[place]
        x = np.moveaxis(inner, 0, axis)
    return x
