"""Losses of numbers against numbers."""

from __future__ import annotations

import math

from ... import ops
from ...arrays import Array
from ...errors import RangeError
from ...tensor import Tensor
from .place import layer_or
from .reducing import alike, as_tensors, reduced


def mse_loss(input: Array, target: Array, reduction: str = "mean") -> Tensor:
    """Squared error ``(input - target)**2``.

    Parameters
    ----------
    input, target
        Of one shape; they are not broadcast, because (n, 1) against (n,) is always a mistake.
    reduction
        ``"mean"`` or ``"sum"`` over all elements, or ``"none"``.
    """
    x, y = alike("mse_loss", input, target)
    return reduced((x - y) ** 2, reduction, "mse_loss")


def l1_loss(input: Array, target: Array, reduction: str = "mean") -> Tensor:
    """Absolute error ``|input - target|``; the parameters are those of :func:`mse_loss`."""
    x, y = alike("l1_loss", input, target)
    return reduced(ops.abs(x - y), reduction, "l1_loss")


def huber_loss(input: Array, target: Array, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Half the squared error up to an error of `delta`, and linear from there.

    References
    ----------
    Huber, "Robust estimation of a location parameter" (1964).
    """
    if not delta > 0:
        raise RangeError(
            layer_or("huber_loss"), f"delta={delta} is not positive", "Pass delta > 0."
        )
    x, y = alike("huber_loss", input, target)
    error = ops.abs(x - y)
    losses = ops.where(error <= delta, error * error * 0.5, (error - 0.5 * delta) * delta)
    return reduced(losses, reduction, "huber_loss")


def smooth_l1_loss(
    input: Array, target: Array, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """:func:`huber_loss` over `beta`, which for ``beta=0`` is the absolute error.

    References
    ----------
    Girshick, "Fast R-CNN" (2015), equation 3.
    """
    if beta == 0:
        return l1_loss(input, target, reduction)
    return huber_loss(input, target, reduction, beta) / beta


def poisson_nll_loss(
    input: Array,
    target: Array,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of counts that are Poisson distributed.

    Parameters
    ----------
    input
        The logarithm of the expected count, or with ``log_input=False`` the count.
    target
        Counts, of the same shape.
    full
        Add Stirling's approximation of ``log(target!)``, which does not depend on the input.
    eps
        Added to a count before its logarithm is taken.
    """
    x, y = alike("poisson_nll_loss", input, target)
    losses = ops.exp(x) - y * x if log_input else x - y * ops.log(x + eps)
    if full:
        stirling = ops.xlogy(y, y) - y + 0.5 * ops.log(2 * math.pi * ops.maximum(y, 1.0))
        losses = losses + ops.where(y > 1, stirling, 0.0)
    return reduced(losses, reduction, "poisson_nll_loss")


def gaussian_nll_loss(
    input: Array,
    target: Array,
    var: Array,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of numbers that are normal with mean `input` and variance `var`.

    Parameters
    ----------
    input, target
        Of one shape.
    var
        Of that shape, or with a last axis of length 1 or none.
    full
        Add the constant ``log(2 pi) / 2``.
    eps
        No variance counts as less; there its gradient is 0.

    References
    ----------
    Nix and Weigend, "Estimating the mean and variance of the target probability distribution"
    (1994).
    """
    x, y = alike("gaussian_nll_loss", input, target)
    (spread,) = as_tensors(var)
    if spread.ndim == x.ndim - 1 and spread.shape == x.shape[:-1]:
        spread = ops.expand_dims(spread, axis=-1)
    spread = ops.clip(spread, min=eps)
    losses = 0.5 * (ops.log(spread) + (x - y) ** 2 / spread)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(losses, reduction, "gaussian_nll_loss")
