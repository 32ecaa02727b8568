"""Tensors made from a shape rather than from numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import as_dtype, get_default_dtype
from .errors import ArgumentError, ShapeError
from .tensor import Tensor


def _filled(
    where: str, shape: int | tuple[int, ...], fill: Any, dtype: Any, requires_grad: bool
) -> Tensor:
    lengths = shape if isinstance(shape, tuple | list) else (shape,)
    if any(length < 0 for length in lengths):
        raise ShapeError(where, f"shape {shape} has a negative length", "Lengths are 0 or more.")
    dtype = as_dtype(dtype, where) if dtype is not None else get_default_dtype()
    return Tensor(np.full(tuple(lengths), fill, dtype), requires_grad)


def tensor(data: Any, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """A Tensor of `data`, under PyTorch's name; the same as ``Tensor(data)``."""
    return Tensor(data, requires_grad, dtype=dtype)


def zeros(
    shape: int | tuple[int, ...], *, dtype: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros, in the default dtype unless `dtype` is given."""
    return _filled("zeros", shape, 0, dtype, requires_grad)


def ones(shape: int | tuple[int, ...], *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones, in the default dtype unless `dtype` is given."""
    return _filled("ones", shape, 1, dtype, requires_grad)


def full(
    shape: int | tuple[int, ...],
    fill_value: float,
    *,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One value everywhere, in its own dtype (the default for floats) unless `dtype` is given."""
    if isinstance(fill_value, Tensor) and fill_value.requires_grad:
        raise ArgumentError(
            "full", "the value's history would be lost", "Use tl.broadcast_to(value, shape)."
        )
    number = Tensor(fill_value, dtype=dtype)
    return _filled("full", shape, number.raw, number.dtype, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an n by m matrix (m is n unless given)."""
    return Tensor(np.eye(n, m, dtype=dtype or get_default_dtype()), requires_grad)


def arange(
    start: float, stop: float | None = None, step: float = 1, *, dtype: Any = None
) -> Tensor:
    """Evenly spaced numbers, `stop` left out: ``arange(3)`` is 0, 1, 2."""
    numbers = np.arange(start, stop, step) if stop is not None else np.arange(0, start, step)
    if dtype is None and numbers.dtype.kind == "f":
        dtype = get_default_dtype()
    return Tensor(numbers, dtype=dtype)


def linspace(start: float, stop: float, num: int, *, dtype: Any = None) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, both included."""
    return Tensor(np.linspace(start, stop, num, dtype=dtype or get_default_dtype()))
