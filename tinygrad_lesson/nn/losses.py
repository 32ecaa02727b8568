"""Losses as modules."""

from __future__ import annotations

from ..arrays import Array
from ..tensor import Tensor
from .functional import cross_entropy, mse_loss
from .module import Module


class _Loss(Module):
    """A loss with a `reduction`: ``"mean"``, ``"sum"`` or ``"none"``."""

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def extra_repr(self) -> str:
        """The reduction."""
        return f"reduction={self.reduction!r}"


class MSELoss(_Loss):
    """Squared error, see :func:`~tinygrad_lesson.nn.functional.mse_loss`."""

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare `input` with `target`, of the same shape."""
        return mse_loss(input, target, self.reduction)


class CrossEntropyLoss(_Loss):
    """Scores against classes, see :func:`~tinygrad_lesson.nn.functional.cross_entropy`."""

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare scores (N, C) with class numbers (N,)."""
        return cross_entropy(input, target, self.reduction)
