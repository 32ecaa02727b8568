"""Activation functions where PyTorch's layer function differs from the op."""

from __future__ import annotations

import math

from ... import ops
from ...arrays import Array
from ...errors import ShapeError
from ...ops import log_sigmoid as logsigmoid
from ...tensor import Tensor
from .conversion import to_dtype
from .place import layer_or

__all__ = ["logsigmoid", "prelu", "softplus", "swish"]


def prelu(input: Array, weight: Array) -> Tensor:
    """`input` where it is positive, else `weight` times it: see :func:`~tinygrad_lesson.prelu`.

    Parameters
    ----------
    input
        Shape (N, C, ...) or any.
    weight
        Of one element, or of shape (C,): one number for each channel.
    """
    where = layer_or("prelu")
    w = weight if isinstance(weight, Tensor) else Tensor(weight)
    x = to_dtype(where, input, w.dtype)
    channels = x.shape[1] if x.ndim > 1 else 1
    if w.shape not in ((), (1,), (channels,)):
        raise ShapeError(
            where,
            f"the input has shape {x.shape}, with {channels} channels, the weight {w.shape}",
            f"Use num_parameters={channels}, a weight for each channel, or 1 for all.",
        )
    if w.size == 1:
        return ops.prelu(x, w.reshape(()))
    return ops.prelu(x, w.reshape(channels, *(1,) * (x.ndim - 2)))


def softplus(input: Array, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * input)) / beta``, and `input` where ``beta * input > threshold``.

    The threshold is PyTorch's. :func:`tinygrad_lesson.softplus`, which has none, is the formula
    everywhere, and no less stable; at 20 they are 2e-9 apart.
    """
    x = input if isinstance(input, Tensor) else Tensor(input)
    smooth = ops.softplus(x, beta)
    return smooth if threshold == math.inf else ops.where(x * beta > threshold, x, smooth)


def swish(input: Array, beta: Array | float = 1.0) -> Tensor:
    """``input * sigmoid(beta * input)``; with ``beta=1`` it is ``silu``.

    Ramachandran, Zoph and Le, "Searching for activation functions" (2017).
    """
    x = input if isinstance(input, Tensor) else Tensor(input)
    if isinstance(beta, int | float) and beta == 1:
        return ops.silu(x)
    return x * ops.sigmoid(beta * x)
