"""Schedules in a row."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ...errors import ArgumentError
from ..optimizer import Optimizer
from .schedule import LRScheduler


class SequentialLR(LRScheduler):
    """One schedule after the other: the next takes over at each of the epochs `milestones`.

    Each begins anew when it takes over.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
    ) -> None:
        if len(schedulers) != len(milestones) + 1:
            raise ArgumentError(
                "SequentialLR", f"{len(schedulers)} schedules and {len(milestones)} milestones",
                "There is one milestone between each two.",
            )  # fmt: skip
        self.schedulers, self.milestones = list(schedulers), list(milestones)
        super().__init__(optimizer)

    def _holders(self) -> list[dict[str, Any]]:
        return [*super()._holders(), *map(vars, self.schedulers)]

    def _apply(self) -> None:
        number = bisect_right(self.milestones, self.last_epoch)
        schedule = self.schedulers[number]
        schedule.last_epoch = self.last_epoch - (self.milestones[number - 1] if number else 0)
        schedule._apply()
