"""What all schedules share: they set the rate of each group, and go on by steps.

Most are a formula, `rate`, for the rate in an epoch; ``step()`` goes on to the next epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from ...errors import RangeError, StateDictError
from ...mode import current
from ..groups import Group
from ..optimizer import Optimizer


class LRScheduler:
    """Base class: a subclass gives the :meth:`rate`.

    Parameters
    ----------
    optimizer
        Whose ``lr`` is changed, in each of its groups.

    Attributes
    ----------
    last_epoch
        How many times ``step()`` was called.
    base_lrs
        The rate of each group when the optimizer got its first schedule.
    """

    saves: ClassVar[tuple[str, ...]] = ("last_epoch", "base_lrs")

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.last_epoch = 0
        if optimizer.initial_lrs is None:  # a schedule that was made before has changed them
            optimizer.initial_lrs = [float(group["lr"]) for group in optimizer.param_groups]
        self.base_lrs = list(optimizer.initial_lrs)
        self._apply()

    def rate(self, base: float, epoch: int) -> float:
        """The learning rate in `epoch`, for a group that began with `base`."""
        raise NotImplementedError

    def step(self) -> None:
        """Go on to the next epoch."""
        tracer = current().tracer
        if tracer is None:
            self._advance()
        else:
            tracer.acting(self._advance, self._holders())

    def _advance(self) -> None:
        self.last_epoch += 1
        self._apply()

    def _holders(self) -> list[dict[str, Any]]:
        """The dicts in which a step changes numbers."""
        return [vars(self), *self.optimizer.groups]

    def get_last_lr(self) -> list[float]:
        """The rate of each group now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _apply(self) -> None:
        for number, (group, base) in enumerate(
            zip(self.optimizer.groups, self.base_lrs, strict=True)
        ):
            self.change(group, base, number)

    def change(self, group: Group, base: float, number: int) -> None:
        """Set what the schedule changes in the group of this number."""
        group["lr"] = self.rate(base, self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Where the schedule stands."""
        return {
            "scheduler": type(self).__name__,
            **{name: getattr(self, name) for name in self.saves},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; if it does not fit, change nothing."""
        name = type(self).__name__
        if not isinstance(state_dict, Mapping) or state_dict.get("scheduler") != name:
            raise StateDictError(
                f"{name}.load_state_dict",
                "this is not the state of such a schedule",
                "Pass what state_dict() of the same class returned.",
            )
        missing = [key for key in self.saves if key not in state_dict]
        if missing or len(state_dict["base_lrs"]) != len(self.base_lrs):
            raise StateDictError(
                f"{name}.load_state_dict",
                f"the state lacks {', '.join(missing)}"
                if missing
                else "the groups are not as many",
                "Build the schedule over the same optimizer.",
            )
        for key in self.saves:
            setattr(self, key, state_dict[key])


def cosine(start: float, end: float, share: float) -> float:
    """What is a `share` of the way from `start` to `end`, along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def line(start: float, end: float, share: float) -> float:
    """What is a `share` of the way from `start` to `end`, along a line."""
    return start + (end - start) * share


def positive(where: str, name: str, value: int) -> int:
    """The argument `name` of `where`, which must be a positive integer."""
    if value <= 0 or int(value) != value:
        raise RangeError(where, f"{name}={value} is no positive integer", f"Pass {name} >= 1.")
    return int(value)
