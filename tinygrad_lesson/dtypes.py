"""The dtypes by name, and the one that Python floats become."""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import DTypeError

bool = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64))
float16, float32, float64 = (np.dtype(f"float{bits}") for bits in (16, 32, 64))

DType = np.dtype[Any]

_default = float32


def get_default_dtype() -> DType:
    """The dtype that Python floats, and lists of them, become: float32 unless changed."""
    return _default


def as_dtype(dtype: Any, where: str) -> DType:
    """`dtype` as an object, from a name such as ``"float32"`` or a type."""
    try:
        found: DType = np.dtype(dtype)
    except TypeError as error:
        raise DTypeError(
            where, f"{dtype!r} is not a dtype", "Pass one such as tl.float32."
        ) from error
    return found


def set_default_dtype(dtype: Any) -> None:
    """Change, for the whole process, the dtype that Python floats become.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.set_default_dtype(tl.float64)
    >>> tl.Tensor(0.5).dtype
    dtype('float64')
    >>> tl.set_default_dtype(tl.float32)
    """
    global _default
    dtype = as_dtype(dtype, "set_default_dtype")
    if not is_floating(dtype):
        raise DTypeError(
            "set_default_dtype",
            f"the default must be a floating dtype, not {dtype}",
            "Pass tl.float16, tl.float32 or tl.float64.",
        )
    _default = dtype


def is_floating(dtype: DType) -> Any:
    """Whether gradients can flow through this dtype."""
    return dtype.kind == "f"
