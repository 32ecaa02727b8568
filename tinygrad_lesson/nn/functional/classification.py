"""Losses of scores or probabilities against classes."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...arrays import Array
from ...creation import arange
from ...errors import ArgumentError, RangeError, ShapeError
from ...mode import current
from ...tensor import Tensor
from .place import layer_or
from .reducing import alike, as_tensors, reduced


def cross_entropy(
    input: Array,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of unnormalised scores against classes.

    Parameters
    ----------
    input
        Scores (logits) of shape (C,), (N, C) or (N, C, ...): one for each of C classes.
    target
        Class numbers, of the shape of `input` without C; or class probabilities, of its shape.
    weight
        Of each class, shape (C,). The mean over class numbers is one weighted by them.
    ignore_index
        Samples of this class number do not count.
    reduction
        ``"mean"`` over the samples, ``"sum"``, or ``"none"``.
    label_smoothing
        This share of each target is spread over all classes evenly (Szegedy et al., 2016).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> scores = tl.Tensor([[0.0, 0.0], [0.0, 100.0]])
    >>> float(tl.nn.functional.cross_entropy(scores, [0, 1], reduction="sum"))
    0.6931471824645996
    """
    where = layer_or("cross_entropy")
    x, y = as_tensors(input, target)
    if x.ndim == 0:
        raise ShapeError(where, "the scores are a single number", "Pass shape (N, C).")
    if not 0 <= label_smoothing <= 1:
        raise RangeError(where, f"label_smoothing={label_smoothing} is no share", "Pass 0 to 1.")
    axis = 1 if x.ndim > 1 else 0
    log_p = ops.log_softmax(x, axis=axis)
    if y.dtype.kind == "f":
        return _against_probabilities(log_p, y, axis, weight, reduction, label_smoothing)
    losses = nll_loss(log_p, y, weight, ignore_index, reduction, where=where)
    if not label_smoothing:
        return losses
    scale = _per_class(weight, log_p, axis)
    spread = -log_p.sum(axis=axis) if scale is None else -(log_p * scale).sum(axis=axis)
    counts = y != ignore_index
    spread = ops.where(counts, spread, 0.0)
    if reduction != "none":
        spread = spread.sum()
    if reduction == "mean":
        spread = spread / _weights(y, weight, ignore_index, log_p).sum()
    classes = log_p.shape[axis]
    return losses * (1 - label_smoothing) + spread * (label_smoothing / classes)


def _against_probabilities(
    log_p: Tensor, target: Tensor, axis: int, weight: Any, reduction: str, smoothing: float
) -> Tensor:
    if target.shape != log_p.shape:
        raise ShapeError(
            layer_or("cross_entropy"),
            f"float targets are probabilities, but have shape {target.shape} for scores of"
            f" {log_p.shape}",
            "Pass one probability for each score, or class numbers as integers.",
        )
    if smoothing:
        target = target * (1 - smoothing) + smoothing / log_p.shape[axis]
    terms = log_p * target
    scale = _per_class(weight, log_p, axis)
    return reduced(-(terms if scale is None else terms * scale).sum(axis=axis), reduction,
                   "cross_entropy")  # fmt: skip


def nll_loss(
    input: Array,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    *,
    where: str = "",
) -> Tensor:
    """Negative log-likelihood: the log-probability of the right class, with the sign turned.

    Parameters
    ----------
    input
        Log-probabilities, of shape (C,), (N, C) or (N, C, ...).
    target
        Class numbers, of the shape of `input` without C.
    weight, ignore_index, reduction
        As in :func:`cross_entropy`.
    where
        What to call it in an error message.
    """
    where = where or layer_or("nll_loss")
    x, y = as_tensors(input, target)
    axis = 1 if x.ndim > 1 else 0
    samples, classes = x.shape[:axis] + x.shape[axis + 1 :], x.shape[axis]
    if y.shape != samples:
        raise ShapeError(
            where,
            f"the class numbers have shape {y.shape} for scores of {x.shape}",
            f"Pass shape {samples}: one class for each row of scores.",
        )
    if current().tracer is None:
        counted = y.raw[y.raw != ignore_index]
        if counted.size and not 0 <= int(counted.min()) <= int(counted.max()) < classes:
            raise ArgumentError(
                where,
                f"class numbers from {int(counted.min())} to {int(counted.max())} for"
                f" {classes} classes",
                f"Number them from 0 to {classes - 1}.",
            )
    ignored = _any_ignored(y, ignore_index)
    chosen = ops.where(y == ignore_index, 0, y) if ignored else y
    if x.ndim == 1:
        picked = x[chosen]
    else:
        if x.ndim > 2:  # classes last, all else one axis
            x = x.permute_dims((0, *range(2, x.ndim), 1)).reshape(-1, classes)
        flat = chosen.flatten() if chosen.ndim > 1 else chosen
        picked = x[arange(x.shape[0]), flat]
    losses = -picked if y.ndim == 1 else -picked.reshape(samples)
    if weight is None and not ignored:
        return reduced(losses, reduction, where)
    weights = _weights(y, weight, ignore_index, losses)
    if ignored:  # even where the score of class 0, in their place, is no number
        losses = ops.where(y == ignore_index, 0.0, losses)
    losses = losses * weights
    if reduction == "mean":
        return losses.sum() / weights.sum()
    return reduced(losses, reduction, where)


def _any_ignored(target: Tensor, ignore_index: int) -> bool:
    """Whether a sample may be ignored; a tracer cannot look, and takes the longer way."""
    return current().tracer is not None or bool((target.raw == ignore_index).any())


def _weights(target: Tensor, weight: Any, ignore_index: int, like: Tensor) -> Tensor:
    """The weight of each sample: that of its class, and 0 where it is ignored."""
    counts = (target != ignore_index).astype(like.dtype)
    if weight is None:
        return counts
    (scale,) = as_tensors(weight)
    chosen = ops.where(target == ignore_index, 0, target)
    return scale.astype(like.dtype)[chosen] * counts


def _per_class(weight: Any, scores: Tensor, axis: int) -> Tensor | None:
    """The weights of the classes, shaped to scale `scores` along `axis`."""
    if weight is None:
        return None
    (scale,) = as_tensors(weight)
    return scale.reshape(scores.shape[axis], *(1,) * (scores.ndim - axis - 1))


def binary_cross_entropy(
    input: Array, target: Array, weight: Array | None = None, reduction: str = "mean"
) -> Tensor:
    """Cross-entropy of probabilities against 0 and 1, or shares between.

    Logarithms below -100 count as -100, with a gradient of 0.
    :func:`binary_cross_entropy_with_logits` has no need of that.

    Parameters
    ----------
    input, target
        Of one shape, from 0 to 1.
    weight
        Of each element; broadcast.
    """
    where = layer_or("binary_cross_entropy")
    p, y = alike("binary_cross_entropy", input, target)
    if current().tracer is None and p.size and not (0 <= p.raw.min() <= p.raw.max() <= 1):
        raise RangeError(
            where,
            f"the input goes from {float(p.raw.min()):.4g} to {float(p.raw.max()):.4g}",
            "Pass probabilities; for scores there is binary_cross_entropy_with_logits.",
        )
    losses = -(y * _clipped_log(p) + (1 - y) * _clipped_log(1 - p))
    if weight is not None:
        losses = losses * weight
    return reduced(losses, reduction, where)


def _clipped_log(p: Tensor) -> Tensor:
    """Logarithm, -100 at 0."""
    positive = p > 0
    return ops.maximum(ops.where(positive, ops.log(ops.where(positive, p, 1.0)), -100.0), -100.0)


def binary_cross_entropy_with_logits(
    input: Array,
    target: Array,
    weight: Array | None = None,
    reduction: str = "mean",
    pos_weight: Array | None = None,
) -> Tensor:
    """:func:`binary_cross_entropy` of ``sigmoid(input)``, accurate for scores of any size.

    Parameters
    ----------
    input, target
        Scores, and 0 and 1 or shares between, of one shape.
    weight
        Of each element; broadcast.
    pos_weight
        How much more a target of 1 counts, one for each class along the last axis.
    """
    x, y = alike("binary_cross_entropy_with_logits", input, target)
    y = y.astype(x.dtype)
    below = ops.softplus(-x)  # -log(sigmoid(x))
    if pos_weight is None:
        losses = (1 - y) * x + below
    else:
        losses = (1 - y) * x + (1 + (as_tensors(pos_weight)[0] - 1) * y) * below
    if weight is not None:
        losses = losses * weight
    return reduced(losses, reduction, "binary_cross_entropy_with_logits")


def kl_div(
    input: Array, target: Array, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities `input` from probabilities `target`.

    Parameters
    ----------
    input
        Log-probabilities.
    target
        Probabilities, or with `log_target` their logarithms, of the same shape.
    reduction
        ``"batchmean"``, the sum over the length of the first axis, is the divergence of the
        textbooks; ``"mean"`` goes over all elements.

    References
    ----------
    Kullback and Leibler, "On information and sufficiency" (1951).
    """
    x, y = alike("kl_div", input, target)
    losses = ops.exp(y) * (y - x) if log_target else ops.xlogy(y, y) - y * x
    if reduction == "batchmean":
        return losses.sum() / (x.shape[0] if x.ndim else 1)
    return reduced(losses, reduction, "kl_div")


def hinge_loss(input: Array, target: Array, reduction: str = "mean", margin: float = 1.0) -> Tensor:
    """``max(0, margin - target * input)`` of scores against classes -1 and 1.

    References
    ----------
    Cortes and Vapnik, "Support-vector networks" (1995).
    """
    x, y = alike("hinge_loss", input, target)
    return reduced(ops.relu(margin - y * x), reduction, "hinge_loss")
