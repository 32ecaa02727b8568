"""A schedule that looks at how well the model does."""

from __future__ import annotations

import math
from typing import Any

from ...errors import ArgumentError, RangeError
from ...mode import current
from ..optimizer import Optimizer
from .schedule import LRScheduler


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor` when a figure has not improved for more than `patience` epochs.

    ``step(figure)`` is called after each epoch, with a validation loss for instance.

    Parameters
    ----------
    optimizer
        Whose rate is reduced.
    mode
        ``"min"`` if less is better, ``"max"`` if more.
    factor, patience
        By how much, and after how many epochs that are no better.
    threshold, threshold_mode
        What counts as better: by this share of the best (``"rel"``), or by this much (``"abs"``).
    cooldown
        How many epochs after a reduction do not count.
    min_lr
        No rate goes below.
    eps
        Smaller changes are not made.
    """

    saves = ("last_epoch", "base_lrs", "best", "bad", "rest")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        if mode not in ("min", "max") or threshold_mode not in ("rel", "abs"):
            raise ArgumentError(
                "ReduceLROnPlateau",
                f"mode={mode!r} or threshold_mode={threshold_mode!r} is unknown",
                "mode is 'min' or 'max', threshold_mode 'rel' or 'abs'.",
            )
        if not 0 < factor < 1:
            raise RangeError(
                "ReduceLROnPlateau", f"factor={factor} does not reduce", "Pass 0 to 1."
            )
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lr, self.eps = min_lr, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.bad = self.rest = 0
        super().__init__(optimizer)

    def _apply(self) -> None:
        pass  # only a figure changes the rate

    def step(self, figure: Any = None) -> None:
        """Look at the figure of an epoch."""
        if figure is None:
            raise ArgumentError("ReduceLROnPlateau", "no figure is given", "Pass step(loss).")
        tracer = current().tracer
        if tracer is not None:
            tracer.refuse(
                "ReduceLROnPlateau", "the figure decides, which is another in the next step",
                "Return it from the compiled step, and call step(figure) outside.",
            )  # fmt: skip
        value = float(figure)
        self.last_epoch += 1
        if self._better(value):
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        if self.rest:
            self.rest, self.bad = self.rest - 1, 0
        if self.bad > self.patience:
            self.rest, self.bad = self.cooldown, 0
            for group in self.optimizer.param_groups:
                old = group["lr"]
                new = max(old * self.factor, self.min_lr)
                if old - new > self.eps:
                    group["lr"] = new

    def _better(self, value: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "abs":
            return sign * value > sign * self.best + self.threshold
        return sign * value > sign * self.best * (1 + sign * self.threshold)
