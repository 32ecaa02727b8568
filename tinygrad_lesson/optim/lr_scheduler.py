"""Schedules: how the learning rate changes while a model learns.

Each one is a formula, `rate`, for the rate in an epoch; ``step()`` goes on to the next epoch. The
formulas and their names are PyTorch's.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ..errors import ArgumentError, RangeError, StateDictError
from ..mode import current
from .groups import Group
from .optimizer import Optimizer


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
        return [vars(self), *self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """The rate of each group now."""
        groups: list[Group] = self.optimizer.param_groups
        tracer = current().tracer
        if tracer is not None:
            groups = [
                tracer.opened(group, self.optimizer, "param_groups", place)
                for place, group in enumerate(groups)
            ]
        return [group["lr"] for group in groups]

    def _apply(self) -> None:
        for number, (group, base) in enumerate(
            zip(self.optimizer.param_groups, self.base_lrs, strict=True)
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


class LambdaLR(LRScheduler):
    """The first rate times what a function of the epoch returns.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> sgd = tl.optim.SGD([tl.Tensor(1.0, requires_grad=True)], lr=0.5)
    >>> schedule = tl.optim.lr_scheduler.LambdaLR(sgd, lambda epoch: 1 / (epoch + 1))
    >>> schedule.step()
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
    ) -> None:
        groups = len(optimizer.param_groups)
        self.lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lambdas) != groups:
            raise ArgumentError(
                "LambdaLR",
                f"{len(self.lambdas)} functions for {groups} groups",
                "Give one for each.",
            )
        super().__init__(optimizer)

    def change(self, group: Group, base: float, number: int) -> None:
        """The rate of a group by its own function."""
        group["lr"] = base * self.lambdas[number](self.last_epoch)


class StepLR(LRScheduler):
    """The rate times `gamma` every `step_size` epochs."""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = _positive("StepLR", "step_size", step_size), gamma
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:  # noqa: D102
        return base * self.gamma ** (epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """The rate times `gamma` at each of the epochs `milestones`."""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:  # noqa: D102
        return base * self.gamma ** bisect_right(self.milestones, epoch)


class ExponentialLR(LRScheduler):
    """The rate times `gamma` every epoch."""

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:  # noqa: D102
        return base * self.gamma**epoch


class LinearLR(LRScheduler):
    """From `start_factor` to `end_factor` times the rate, in `total_iters` epochs: a warm-up."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
    ) -> None:
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = _positive("LinearLR", "total_iters", total_iters)
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:  # noqa: D102
        share = min(epoch, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * share)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine, from the first rate to `eta_min` in `T_max` epochs (and back in as many).

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), eq. 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803
        self.T_max = _positive("CosineAnnealingLR", "T_max", T_max)
        self.eta_min = eta_min
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:  # noqa: D102
        return _cosine(base, self.eta_min, epoch / self.T_max)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine again and again: in `T_0` epochs, then each `T_mult` times as long.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803
        T_mult: int = 1,  # noqa: N803
        eta_min: float = 0.0,
    ) -> None:
        self.T_0 = _positive("CosineAnnealingWarmRestarts", "T_0", T_0)
        self.T_mult = _positive("CosineAnnealingWarmRestarts", "T_mult", T_mult)
        self.eta_min = eta_min
        super().__init__(optimizer)

    def rate(self, base: float, epoch: int) -> float:  # noqa: D102
        length = self.T_0
        while epoch >= length:
            epoch -= length
            length *= self.T_mult
        return _cosine(base, self.eta_min, epoch / length)


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
        self.total_steps = _positive("OneCycleLR", "total_steps", total_steps)
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
        self.anneal = _cosine if anneal_strategy == "cos" else _line
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


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _positive(where: str, name: str, value: int) -> int:
    if value <= 0 or int(value) != value:
        raise RangeError(where, f"{name}={value} is no positive integer", f"Pass {name} >= 1.")
    return int(value)
