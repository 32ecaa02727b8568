"""What functions of images check: one number for each axis, and images with or without a batch."""

from __future__ import annotations

from typing import Any

from ...arguments import count, shown
from ...arrays import Array
from ...errors import DTypeError, RangeError, ShapeError
from ...tensor import Tensor
from .conversion import as_tensor

AXES = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}


def per_axis(where: str, name: str, value: Any, axes: int, least: int = 1) -> tuple[int, ...]:
    """The argument `name` as one integer for each of the `axes`; a single one serves them all."""
    several = tuple(value) if isinstance(value, tuple | list) else (value,)
    if len(several) == 1:
        several *= axes
    if len(several) != axes:
        raise ShapeError(
            where,
            f"{name}={shown(value)} has {len(several)} numbers for {axes} axes",
            f"Pass one integer, or {axes}.",
        )
    numbers = tuple(count(where, name, number) for number in several)
    if min(numbers) < least:
        raise RangeError(where, f"{name}={shown(value)} is too small", f"Pass {name} >= {least}.")
    return numbers


def batched(where: str, input: Array, axes: int) -> tuple[Tensor, bool]:
    """The input with a batch axis, and whether that was missing."""
    x = as_tensor(input)
    if x.ndim not in (axes + 1, axes + 2):
        form = AXES[axes]
        raise ShapeError(
            where,
            f"the input has shape {x.shape}, which is neither {form} nor {form.replace('N, ', '')}",
            f"Reshape it to {form}: a batch of N inputs with C channels.",
        )
    single = x.ndim == axes + 1
    return (x.expand_dims(0) if single else x), single


def floating_images(where: str, axes: int, input: Array) -> tuple[Tensor, bool]:
    """As :func:`batched`, for functions that take floats only."""
    x, single = batched(where, input, axes)
    if x.dtype.kind != "f":
        raise DTypeError(
            where, f"not defined for {x.dtype}", "Convert the input: x.astype(tl.float32)."
        )
    return x, single
