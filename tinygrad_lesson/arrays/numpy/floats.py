"""Kernels that compute in floats, whatever comes in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import Array


def on_floats(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """Run `kernel` of one array in at least single precision; integers become float64."""

    @functools.wraps(kernel)
    def call(x: Array, *args: Any, **params: Any) -> Array:
        dtype = x.dtype
        if dtype.char in "fd":
            return kernel(x, *args, **params)
        if dtype.char == "e":
            return kernel(x.astype(np.float32), *args, **params).astype(dtype)
        return kernel(x.astype(np.float64), *args, **params)

    return call


def in_one_dtype(*arrays: Array) -> tuple[list[Array], Any]:
    """The arrays in the dtype to compute in, and that of the result: half as single precision."""
    dtype = np.result_type(*arrays)
    if dtype.kind != "f":
        dtype = np.dtype(np.float64)
    work = np.float32 if dtype == np.float16 else dtype
    return [np.asarray(array, work) for array in arrays], dtype
