"""The affine map."""

from __future__ import annotations

from ...arrays import Array
from ...errors import DTypeError, ShapeError
from ...tensor import Tensor
from .place import layer_or


def linear(x: Array, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Affine map ``x @ weight.mT + bias`` of the last axis.

    Parameters
    ----------
    x
        Shape (..., in). Integers are converted to the weight's dtype.
    weight
        Shape (out, in).
    bias
        Shape (out,).

    Returns
    -------
    Tensor
        Shape (..., out).
    """
    x = x if isinstance(x, Tensor) else Tensor(x)
    if x.dtype != weight.dtype:
        if x.dtype.kind == "f":
            raise DTypeError(
                layer_or("linear"),
                f"the input is {x.dtype}, the weight {weight.dtype}",
                f"Convert the input: x.astype(tl.{weight.dtype}).",
            )
        x = x.astype(weight.dtype)
    if not x.shape or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            layer_or("linear"),
            f"the input has shape {x.shape}, but the weight {weight.shape} takes"
            f" {weight.shape[1]} features in the last axis",
            f"Reshape the input to (..., {weight.shape[1]}), or build the layer for the"
            f" {x.shape[-1] if x.shape else 0} features that it gets.",
        )
    out: Tensor = x @ weight.mT
    return out if bias is None else out + bias
