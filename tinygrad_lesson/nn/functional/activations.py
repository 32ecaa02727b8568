"""Activation functions where PyTorch's layer function differs from the op."""

from __future__ import annotations

import math

from ... import ops
from ...arrays import Array
from ...errors import RangeError, ShapeError
from ...ops import log_sigmoid as logsigmoid
from ...random import draw
from ...tensor import Tensor
from .conversion import as_tensor, to_dtype
from .place import layer_or

__all__ = ["gumbel_softmax", "logsigmoid", "prelu", "rrelu", "softplus", "swish"]


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
    w = as_tensor(weight)
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
    x = as_tensor(input)
    smooth = ops.softplus(x, beta)
    return smooth if threshold == math.inf else ops.where(x * beta > threshold, x, smooth)


def swish(input: Array, beta: Array | float = 1.0) -> Tensor:
    """``input * sigmoid(beta * input)``; with ``beta=1`` it is ``silu``.

    Ramachandran, Zoph and Le, "Searching for activation functions" (2017).
    """
    x = as_tensor(input)
    if isinstance(beta, int | float) and beta == 1:
        return ops.silu(x)
    return x * ops.sigmoid(beta * x)


# ---- by chance ---------------------------------------------------------------------------


def rrelu(
    input: Array, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False
) -> Tensor:
    """`input` where it is positive, else a slope between `lower` and `upper` times it.

    In training each number draws a slope of its own; otherwise it is the mean of the two.

    Xu, Wang, Chen and Li, "Empirical evaluation of rectified activations in convolutional network"
    (2015).
    """
    if lower > upper:
        raise RangeError(
            layer_or("rrelu"), f"lower={lower} is above upper={upper}", "Exchange them."
        )
    x = as_tensor(input)
    if not training:
        return ops.leaky_relu(x, (lower + upper) / 2)
    drawn = draw(None, "uniform", lower, upper, x.shape)
    return ops.prelu(x, Tensor(drawn, dtype=x.dtype if x.dtype.kind == "f" else None))


def gumbel_softmax(logits: Array, tau: float = 1.0, hard: bool = False, dim: int = -1) -> Tensor:
    """A category drawn by chance, in a form that has a gradient.

    Parameters
    ----------
    logits
        Logarithms of the probabilities, up to a constant, along `dim`.
    tau
        The temperature: the nearer to 0, the nearer the result to a single 1 among zeros.
    hard
        Give exactly that; the gradient is that of the soft one.
    dim
        The axis.

    References
    ----------
    Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax" (2017).
    """
    if tau <= 0:
        raise RangeError(layer_or("gumbel_softmax"), f"tau={tau} is not positive", "Pass tau > 0.")
    x = as_tensor(logits)
    noise = Tensor(draw(None, "gumbel", size=x.shape), dtype=x.dtype)
    soft = ops.softmax((x + noise) / tau, axis=dim)
    if not hard:
        return soft
    largest = ops.argmax(soft.detach(), axis=dim, keepdims=True)
    numbers = ops.cumulative_sum(ops.ones_like(soft.detach()), axis=dim) - 1.0
    return ops.astype(numbers == largest, soft.dtype) - soft.detach() + soft
