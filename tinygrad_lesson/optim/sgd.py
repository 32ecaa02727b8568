"""Gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..arrays import Array, Namespace
from .groups import Group
from .optimizer import Optimizer, read


class SGD(Optimizer):
    """Gradient descent: each step moves a parameter against its gradient.

    Parameters
    ----------
    params
        Tensors, or groups of them.
    lr
        Learning rate: how far, for a gradient of 1.
    momentum
        The share of the last step's velocity that goes on.
    weight_decay
        Adds this times the parameter to its gradient.

    References
    ----------
    Robbins and Monro, "A stochastic approximation method" (1951); with momentum, Polyak (1964)
    in the form of Sutskever et al. (2013), as PyTorch has it: ``v = momentum * v + g``.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> w = tl.Tensor(4.0, requires_grad=True)
    >>> descent = tl.optim.SGD([w], lr=0.25)
    >>> (w**2).backward()
    >>> descent.step()
    >>> float(w)
    2.0
    """

    remembers = ("velocity",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of gradient descent."""
        decay, momentum = read(group, "weight_decay"), read(group, "momentum")
        if decay:
            g = g + decay * p
        if momentum:
            velocity = state.get("velocity")
            g = state["velocity"] = g if velocity is None else momentum * velocity + g
        return p - read(group, "lr") * g
