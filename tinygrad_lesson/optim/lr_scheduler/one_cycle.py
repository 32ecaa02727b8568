"""A schedule for all batches of a training: up and down once."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ArgumentError, RangeError
from ..groups import Group
from ..optimizer import Optimizer
from .schedule import LRScheduler, cosine, line, positive


class OneCycleLR(LRScheduler):
    """Up to `max_lr` and down to almost nothing, while the momentum goes the other way.

    ``step()`` is called after every batch.

    Parameters
    ----------
    optimizer
        Its ``momentum``, or first of ``betas``, is cycled too.
    max_lr
        The highest rate: one for all groups, or a list.
    total_steps
        How many batches there are; or give `epochs` and `steps_per_epoch`.
    pct_start
        The share of them in which the rate rises.
    anneal_strategy
        ``"cos"`` or ``"linear"``.
    cycle_momentum, base_momentum, max_momentum
        Whether, and between which values.
    div_factor, final_div_factor
        The first rate is ``max_lr / div_factor``; the last, that over `final_div_factor`.

    References
    ----------
    Smith and Topin, "Super-convergence" (2018).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError(
                    "OneCycleLR", "the number of steps is not given",
                    "Pass total_steps=, or epochs= and steps_per_epoch=.",
                )  # fmt: skip
            total_steps = epochs * steps_per_epoch
        self.total_steps = positive("OneCycleLR", "total_steps", total_steps)
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(
                "OneCycleLR",
                f"anneal_strategy={anneal_strategy!r} is unknown",
                "Pass 'cos' or 'linear'.",
            )
        if not 0 <= pct_start <= 1:
            raise RangeError(
                "OneCycleLR", f"pct_start={pct_start} is not in [0, 1]", "Pass a share."
            )
        groups = optimizer.param_groups
        self.max_lrs = list(max_lr) if isinstance(max_lr, Sequence) else [max_lr] * len(groups)
        if cycle_momentum and not any(name in groups[0] for name in ("momentum", "betas")):
            raise ArgumentError(
                "OneCycleLR", f"{type(optimizer).__name__} has no momentum to cycle",
                "Pass cycle_momentum=False.",
            )  # fmt: skip
        self.anneal = cosine if anneal_strategy == "cos" else line
        self.cycle_momentum = cycle_momentum
        self.momenta = base_momentum, max_momentum
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        self.top = float(pct_start * self.total_steps) - 1
        super().__init__(optimizer)

    def change(self, group: Group, base: float, number: int) -> None:
        """Set the rate and the momentum of a group."""
        if self.last_epoch > self.total_steps:
            raise RangeError(
                "OneCycleLR", f"step {self.last_epoch} of {self.total_steps}",
                "Make the schedule for as many steps as there are.",
            )  # fmt: skip
        highest = self.max_lrs[number]
        first = highest / self.div_factor
        group["lr"] = self._along(first, highest, first / self.final_div_factor)
        if self.cycle_momentum:
            low, high = self.momenta
            momentum = self._along(high, low, high)
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum

    def _along(self, first: float, top: float, last: float) -> float:
        """Where the cycle stands between three values."""
        step = min(self.last_epoch, self.total_steps - 1)  # after the last batch nothing changes
        if step <= self.top or self.top == self.total_steps - 1:
            return self.anneal(first, top, step / self.top if self.top else 1.0)
        return self.anneal(top, last, (step - self.top) / (self.total_steps - 1 - self.top))
