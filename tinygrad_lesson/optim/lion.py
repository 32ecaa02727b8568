"""Lion."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..arrays import Array, Namespace
from .groups import Group
from .optimizer import Optimizer, averaged


class Lion(Optimizer):
    """Steps of one size, in the direction that the sign of a momentum gives.

    Parameters
    ----------
    params
        Tensors, or groups of them.
    lr
        The size of each step; a third to a tenth of what suits Adam.
    betas
        The share of the momentum in the sign, and how slowly the momentum forgets.
    weight_decay
        Shrinks the parameter by this times the rate.

    References
    ----------
    Chen et al., "Symbolic discovery of optimization algorithms" (2023), algorithm 2.
    """

    remembers = ("momentum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of Lion."""
        beta1, beta2 = group["betas"]
        lr, decay = group["lr"], group["weight_decay"]
        held = state["momentum"] if state else xp.zeros_like(p)
        direction = xp.sign(held * beta1 + g * (1 - beta1))
        state["momentum"] = averaged(held, beta2, g)
        return p * (1 - lr * decay) - lr * direction
