"""Gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..arrays import Array, Namespace
from ..errors import ArgumentError
from .groups import Group
from .optimizer import Optimizer


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
    dampening
        The share of the gradient that does not enter the velocity, after the first step.
    weight_decay
        Adds this times the parameter to its gradient.
    nesterov
        Take the gradient where the velocity leads, not where it came from (Nesterov, 1983).

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
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if nesterov and (not momentum or dampening):
            raise ArgumentError(
                "SGD",
                f"nesterov=True with momentum={momentum} and dampening={dampening}",
                "Nesterov's method has a momentum and no dampening.",
            )
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "dampening": dampening,
                "weight_decay": weight_decay, "nesterov": nesterov,
            },
        )  # fmt: skip

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of gradient descent."""
        decay, momentum = group["weight_decay"], group["momentum"]
        if decay:
            g = g + decay * p
        if momentum:
            velocity = state.get("velocity")
            if velocity is None:
                velocity = g * 1.0  # an array of its own, which later steps write into
            else:
                velocity *= momentum
                velocity += g * (1 - group["dampening"])
            state["velocity"] = velocity
            g = g + momentum * velocity if group["nesterov"] else velocity
        return p - group["lr"] * g
