"""What losses share: their arguments as tensors of one shape, and ``reduction=``."""

from __future__ import annotations

from typing import Any

from ...errors import ArgumentError, ShapeError
from ...tensor import Tensor
from .conversion import as_tensor
from .place import layer_or


def as_tensors(*arrays: Any) -> list[Tensor]:
    """Each of `arrays` as a tensor."""
    return [as_tensor(array) for array in arrays]


def alike(where: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    """`input` and `target`, which are not broadcast: (n, 1) against (n,) is always a mistake."""
    x, y = as_tensors(input, target)
    if x.shape != y.shape:
        raise ShapeError(
            layer_or(where),
            f"the input has shape {x.shape}, the target {y.shape}",
            "Reshape one of them, so that each number has its target.",
        )
    if "f" not in (x.dtype.kind, y.dtype.kind):
        x = x.astype("float64")  # differences of integers might wrap around
    return x, y


def reduced(losses: Tensor, reduction: str, where: str) -> Tensor:
    """The ``"mean"`` or ``"sum"`` of `losses`, or all of them for ``"none"``."""
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ArgumentError(
        where, f"reduction={reduction!r} is unknown", "Use 'mean', 'sum' or 'none'."
    )
