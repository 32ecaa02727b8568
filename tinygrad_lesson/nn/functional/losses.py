"""What training makes small."""

from __future__ import annotations

from ...arrays import Array
from ...creation import arange
from ...errors import ArgumentError, ShapeError
from ...ops import log_softmax
from ...tensor import Tensor
from .place import layer_or


def _reduced(losses: Tensor, reduction: str, where: str) -> Tensor:
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ArgumentError(
        where, f"reduction={reduction!r} is unknown", "Use 'mean', 'sum' or 'none'."
    )


def mse_loss(input: Array, target: Array, reduction: str = "mean") -> Tensor:
    """Squared error ``(input - target)**2``.

    Parameters
    ----------
    input, target
        Of one shape; they are not broadcast, because (n, 1) against (n,) is always a mistake.
    reduction
        ``"mean"`` or ``"sum"`` over all elements, or ``"none"``.
    """
    input = input if isinstance(input, Tensor) else Tensor(input)
    target = target if isinstance(target, Tensor) else Tensor(target)
    if input.shape != target.shape:
        raise ShapeError(
            layer_or("mse_loss"),
            f"the input has shape {input.shape}, the target {target.shape}",
            "Reshape one of them, so that each number has its target.",
        )
    return _reduced((input - target) ** 2, reduction, "mse_loss")


def cross_entropy(input: Array, target: Array, reduction: str = "mean") -> Tensor:
    """Cross-entropy of unnormalised scores against classes.

    Parameters
    ----------
    input
        Scores (logits) of shape (C,), (N, C) or (N, C, ...): one for each of C classes.
    target
        Class numbers, of the shape of `input` without C; or class probabilities, of its shape.
    reduction
        ``"mean"`` over the samples, ``"sum"``, or ``"none"``.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> scores = tl.Tensor([[0.0, 0.0], [0.0, 100.0]])
    >>> float(tl.nn.functional.cross_entropy(scores, [0, 1], reduction="sum"))
    0.6931471824645996
    """
    input = input if isinstance(input, Tensor) else Tensor(input)
    target = target if isinstance(target, Tensor) else Tensor(target)
    where = layer_or("cross_entropy")
    if input.ndim == 0:
        raise ShapeError(where, "the scores are a single number", "Pass shape (N, C).")
    axis = 1 if input.ndim > 1 else 0
    samples = input.shape[:axis] + input.shape[axis + 1 :]
    log_p = log_softmax(input, axis=axis)
    if target.dtype.kind == "f":
        if target.shape != input.shape:
            raise ShapeError(
                where,
                f"float targets are probabilities, but have shape {target.shape} for scores of"
                f" {input.shape}",
                "Pass one probability for each score, or class numbers as integers.",
            )
        return _reduced(-(log_p * target).sum(axis=axis), reduction, "cross_entropy")
    if target.shape != samples:
        raise ShapeError(
            where,
            f"the class numbers have shape {target.shape} for scores of {input.shape}",
            f"Pass shape {samples}: one class for each row of scores.",
        )
    classes = input.shape[axis]
    if target.size and not 0 <= int(target.min()) <= int(target.max()) < classes:
        raise ArgumentError(
            where,
            f"class numbers from {int(target.min())} to {int(target.max())} for {classes} classes",
            f"Number them from 0 to {classes - 1}.",
        )
    if input.ndim == 1:
        return _reduced(-log_p[target], reduction, "cross_entropy")
    if input.ndim > 2:  # classes last, all else one axis
        log_p = log_p.permute_dims((0, *range(2, input.ndim), 1)).reshape(-1, classes)
    picked = log_p[arange(log_p.shape[0]), target.flatten() if target.ndim > 1 else target]
    losses = -picked if target.ndim == 1 else -picked.reshape(samples)
    return _reduced(losses, reduction, "cross_entropy")
