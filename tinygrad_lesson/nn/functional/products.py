"""Products of what comes in with weights: the affine map and the bilinear one."""

from __future__ import annotations

from ...arrays import Array
from ...errors import ShapeError
from ...ops import affine
from ...tensor import Tensor
from .conversion import to_dtype
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
    x = to_dtype(layer_or("linear"), x, weight.dtype)
    if not x.shape or x.shape[-1] != weight.shape[1]:
        raise ShapeError(
            layer_or("linear"),
            f"the input has shape {x.shape}, but the weight {weight.shape} takes"
            f" {weight.shape[1]} features in the last axis",
            f"Reshape the input to (..., {weight.shape[1]}), or build the layer for the"
            f" {x.shape[-1] if x.shape else 0} features that it gets.",
        )
    out: Tensor = x @ weight.mT if bias is None else affine(x, weight, bias)
    return out


def bilinear(x: Array, y: Array, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``sum over i, j of x[..., i] weight[o, i, j] y[..., j]``, plus `bias`.

    Parameters
    ----------
    x, y
        Shapes (..., in1) and (..., in2), alike but for the last axis. Integers are converted to the
        weight's dtype.
    weight
        Shape (out, in1, in2).
    bias
        Shape (out,).

    Returns
    -------
    Tensor
        Shape (..., out).
    """
    where = layer_or("bilinear")
    x, y = to_dtype(where, x, weight.dtype), to_dtype(where, y, weight.dtype)
    out, first, second = weight.shape
    if x.shape[-1:] != (first,) or y.shape[-1:] != (second,) or x.shape[:-1] != y.shape[:-1]:
        raise ShapeError(
            where,
            f"the inputs have shapes {x.shape} and {y.shape}, the weight {weight.shape}",
            f"Pass (..., {first}) and (..., {second}), alike in all other axes.",
        )
    rows = x @ weight.permute_dims((1, 0, 2)).reshape(first, out * second)
    blocks = rows.reshape(*x.shape[:-1], out, second)
    result: Tensor = (blocks @ y.expand_dims(-1)).squeeze(-1)
    return result if bias is None else result + bias
