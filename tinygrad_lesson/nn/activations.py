"""Activation functions as modules."""

from __future__ import annotations

from .. import ops
from ..tensor import Tensor
from .module import Module


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.sigmoid(x)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.tanh(x)


class ReLU(Module):
    """``max(x, 0)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Apply it to each element."""
        return ops.relu(x)
