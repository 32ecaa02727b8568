"""Adam."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..arrays import Array, Namespace
from .groups import Group
from .optimizer import Optimizer, read, write


class Adam(Optimizer):
    """Gradient descent with a step size for each number, from running moments of its gradient.

    Parameters
    ----------
    params
        Tensors, or groups of them.
    lr
        Learning rate: about the size of a step.
    betas
        How slowly the running mean, and the running mean square, forget.
    eps
        Keeps the step finite where the gradient has always been 0.
    weight_decay
        Adds this times the parameter to its gradient.

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.
    """

    remembers = ("step", "mean", "square")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of Adam."""
        beta1, beta2 = read(group, "betas")
        decay = read(group, "weight_decay")
        if decay:
            g = g + decay * p
        if not state:
            state.update(step=0, mean=xp.zeros_like(p), square=xp.zeros_like(p))
        write(state, "step", step := read(state, "step") + 1)
        mean = state["mean"] = state["mean"] * beta1 + g * (1 - beta1)
        square = state["square"] = state["square"] * beta2 + g * g * (1 - beta2)
        size = read(group, "lr") / (1 - beta1**step)
        root = xp.sqrt(square) * (1 / math.sqrt(1 - beta2**step))
        return p - size * mean / (root + read(group, "eps"))
