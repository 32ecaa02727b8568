"""Losses of samples against one another: what is alike shall be near."""

from __future__ import annotations

from ... import ops
from ...arrays import Array
from ...errors import ShapeError
from ...tensor import Tensor
from .place import layer_or
from .reducing import alike, as_tensors, reduced


def cosine_embedding_loss(
    input1: Array, input2: Array, target: Array, margin: float = 0.0, reduction: str = "mean"
) -> Tensor:
    """Angles between pairs: ``1 - cos`` for alike ones, ``max(0, cos - margin)`` for others.

    Parameters
    ----------
    input1, input2
        Shape (N, D) or (D,).
    target
        1 for a pair that is alike, -1 for one that is not; shape (N,) or ().
    margin
        From which cosine on a pair that is not alike counts.
    """
    where = layer_or("cosine_embedding_loss")
    x, y = alike("cosine_embedding_loss", input1, input2)
    (kind,) = as_tensors(target)
    if kind.shape != x.shape[:-1]:
        raise ShapeError(
            where, f"targets of shape {kind.shape} for pairs of {x.shape}",
            f"Pass shape {x.shape[:-1]}: 1 or -1 for each pair.",
        )  # fmt: skip
    tiny = 1e-12  # keeps the root of a zero vector's square away from 0
    length = ops.sqrt(((x * x).sum(axis=-1) + tiny) * ((y * y).sum(axis=-1) + tiny))
    cosine = (x * y).sum(axis=-1) / length
    losses = ops.where(kind == 1, 1 - cosine, ops.relu(cosine - margin))
    return reduced(losses, reduction, where)


def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """How much nearer than `margin` a stranger is to an anchor than a relative is.

    ``max(0, |anchor - positive| - |anchor - negative| + margin)``

    Parameters
    ----------
    anchor, positive, negative
        Of one shape, (N, D) or (D,).
    margin
        By how much the stranger shall be farther away.
    p, eps
        Of the distance ``norm(x - y + eps, p)``.
    swap
        Compare with the stranger's distance from the relative, if that is less.

    References
    ----------
    Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses" (2016).
    """
    where = "triplet_margin_loss"
    a, near = alike(where, anchor, positive)
    a, far = alike(where, anchor, negative)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return ops.vector_norm(x - y + eps, axis=-1, ord=p)

    apart = distance(a, far)
    if swap:
        apart = ops.minimum(apart, distance(near, far))
    return reduced(ops.relu(distance(a, near) - apart + margin), reduction, where)
