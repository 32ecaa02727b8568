"""Tensors made from a shape rather than from numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arguments import count, lengths
from .dtypes import as_dtype, get_default_dtype
from .errors import ArgumentError, RangeError, ShapeError
from .tensor import Tensor


def _number(where: str, name: str, value: Any) -> Any:
    """The argument `name` of `where`, which must be one finite number."""
    value = getattr(value, "raw", value)
    if not isinstance(value, int | float | np.number) and getattr(value, "shape", None) != ():
        raise ArgumentError(
            where, f"{name} is a {type(value).__name__}, not a number", "Pass one number."
        )
    if not math.isfinite(value):
        raise RangeError(where, f"{name}={value} is not finite", "Pass a finite number.")
    return value


def _filled(
    where: str, shape: tuple[Any, ...], fill: Any, dtype: Any, requires_grad: bool
) -> Tensor:
    dtype = as_dtype(dtype, where) if dtype is not None else get_default_dtype()
    return Tensor(np.full(lengths(where, shape), fill, dtype), requires_grad)


def zeros(*shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros, ``zeros(2, 3)`` or ``zeros((2, 3))``, in the default dtype unless one is given."""
    return _filled("zeros", shape, 0, dtype, requires_grad)


def ones(*shape: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones, ``ones(2, 3)`` or ``ones((2, 3))``, in the default dtype unless one is given."""
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
    number = Tensor(fill_value, dtype=as_dtype(dtype, "full") if dtype is not None else None)
    if number.ndim:
        raise ShapeError(
            "full",
            f"fill_value has shape {number.shape}",
            "Pass one number, or use tl.broadcast_to(value, shape).",
        )
    return _filled("full", (shape,), number.raw, number.dtype, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal of an n by m matrix (m is n unless given)."""
    n, m = count("eye", "n", n), count("eye", "m", m) if m is not None else None
    dtype = as_dtype(dtype, "eye") if dtype is not None else get_default_dtype()
    return Tensor(np.eye(n, m, dtype=dtype), requires_grad)


def arange(
    start: float, stop: float | None = None, step: float = 1, *, dtype: Any = None
) -> Tensor:
    """Evenly spaced numbers, `stop` left out: ``arange(3)`` is 0, 1, 2."""
    start, step = _number("arange", "start", start), _number("arange", "step", step)
    if step == 0:
        raise RangeError("arange", f"step={step} never arrives", "Pass another step.")
    if stop is None:
        start, stop = 0, start
    numbers = np.arange(start, _number("arange", "stop", stop), step)
    if dtype is not None:
        dtype = as_dtype(dtype, "arange")
    elif numbers.dtype.kind == "f":
        dtype = get_default_dtype()
    return Tensor(numbers, dtype=dtype)


def linspace(start: float, stop: float, num: int, *, dtype: Any = None) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, both included."""
    start, stop = _number("linspace", "start", start), _number("linspace", "stop", stop)
    dtype = as_dtype(dtype, "linspace") if dtype is not None else get_default_dtype()
    return Tensor(np.linspace(start, stop, count("linspace", "num", num), dtype=dtype))
