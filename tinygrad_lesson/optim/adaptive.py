"""Step sizes from the size of past gradients, without a running mean: Adagrad and its heirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..arrays import Array, Namespace
from .groups import Group
from .optimizer import Optimizer, averaged


class Adagrad(Optimizer):
    """Steps that shrink with the sum of all squared gradients: large ones for rare features.

    Parameters
    ----------
    params
        Tensors, or groups of them.
    lr
        Learning rate.
    lr_decay
        Divides the rate by 1 and this for each step made.
    weight_decay
        Adds this times the parameter to its gradient.
    initial_accumulator_value
        Where the sum begins.
    eps
        Keeps the step finite.

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods" (2011).
    """

    remembers = ("step", "sum")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value, "eps": eps,
            },
        )  # fmt: skip

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of Adagrad."""
        decay = group["weight_decay"]
        g = g + decay * p if decay else g
        if not state:
            state.update(step=0, sum=xp.full_like(p, group["initial_accumulator_value"]))
        step = state["step"]
        state["step"] = step + 1
        total = state["sum"]
        total += g * g
        state["sum"] = total
        root = xp.sqrt(total)
        root += group["eps"]
        return p - group["lr"] / (1 + step * group["lr_decay"]) * g / root


class Adadelta(Optimizer):
    """Steps in the unit of the parameter: the ratio of past steps to past gradients.

    Parameters
    ----------
    params
        Tensors, or groups of them.
    lr
        Scales the step, which needs no rate.
    rho
        How slowly both averages forget.
    eps
        Lets the first steps begin.
    weight_decay
        Adds this times the parameter to its gradient.

    References
    ----------
    Zeiler, "Adadelta: an adaptive learning rate method" (2012), algorithm 1.
    """

    remembers = ("square", "steps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay})

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of Adadelta."""
        decay, rho, eps = (group[name] for name in ("weight_decay", "rho", "eps"))
        g = g + decay * p if decay else g
        if not state:
            state.update(square=xp.zeros_like(p), steps=xp.zeros_like(p))
        square = state["square"] = averaged(state["square"], rho, g * g)
        step = xp.sqrt(state["steps"] + eps) / xp.sqrt(square + eps) * g
        state["steps"] = averaged(state["steps"], rho, step * step)
        return p - group["lr"] * step


class RMSprop(Optimizer):
    """Gradients divided by the root of their running mean square.

    Parameters
    ----------
    params
        Tensors, or groups of them.
    lr
        Learning rate: about the size of a step.
    alpha
        How slowly the mean square forgets.
    eps
        Keeps the step finite.
    weight_decay
        Adds this times the parameter to its gradient.
    momentum
        The share of the last step that goes on.
    centered
        Divide by the standard deviation rather than the root mean square (Graves, 2013).

    References
    ----------
    Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5 (2012).
    """

    remembers = ("square",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay,
                "momentum": momentum, "centered": centered,
            },
        )  # fmt: skip

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of RMSprop."""
        decay, alpha, momentum = (group[n] for n in ("weight_decay", "alpha", "momentum"))
        g = g + decay * p if decay else g
        if not state:
            state["square"] = xp.zeros_like(p)
        square = state["square"] = averaged(state["square"], alpha, g * g)
        if group["centered"]:
            held = state["mean"] if "mean" in state else xp.zeros_like(p)
            mean = state["mean"] = averaged(held, alpha, g)
            square = square - mean * mean
        root = xp.sqrt(square)
        root += group["eps"]
        step = g / root
        if momentum:
            held = state["velocity"] if "velocity" in state else xp.zeros_like(p)
            held *= momentum
            held += step
            step = state["velocity"] = held
        return p - group["lr"] * step
