"""Inputs of a composite in one dtype that is wide enough for what is done with them."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..dtypes import DType, result_type


def widened(
    xp: Namespace, *arrays: Array, least: str = "float32"
) -> tuple[tuple[Array, ...], DType]:
    """`arrays` in the dtype to compute in, and that of the result.

    The result has the widest dtype of all, integers being float64. What it is computed in is
    `least` or wider: sums overflow in half precision.
    """
    found = result_type(*arrays)
    dtype = found if found.kind == "f" else result_type("float64")
    wide = result_type(dtype, least)
    return tuple(narrowed(xp, x, wide) for x in arrays), dtype


def narrowed(xp: Namespace, x: Array, dtype: DType) -> Array:
    """`x` in `dtype`, that of the result."""
    return x if x.dtype == dtype else xp.astype(x, dtype)
