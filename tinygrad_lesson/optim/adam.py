"""Adam and its descendants: a step size for each number, from running moments of its gradient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from ..arrays import Array, Namespace
from .groups import Group
from .optimizer import Optimizer, averaged


class _Moments(Optimizer):
    """What the family shares: the moments, and how many steps went into them."""

    remembers: ClassVar[tuple[str, ...]] = ("step", "mean", "square")

    def moments(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> tuple[int, Array, Array]:
        """The number of this step, and the running mean and mean square with `g` in them."""
        if not state:
            state.update(step=0, mean=xp.zeros_like(p), square=xp.zeros_like(p))
        beta1, beta2 = group["betas"]
        step = state["step"] + 1
        state["step"] = step
        mean = state["mean"] = averaged(state["mean"], beta1, g)
        square = state["square"] = averaged(state["square"], beta2, g * g)
        return step, mean, square


class Adam(_Moments):
    """Gradient descent with a step size for each number.

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
    amsgrad
        Divide by the root of the largest mean square so far (Reddi et al., 2018).

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                "amsgrad": amsgrad,
            },
        )  # fmt: skip

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of Adam."""
        decay = group["weight_decay"]
        return self._adam(xp, p, g + decay * p if decay else g, group, state)

    def _adam(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        beta1, beta2 = group["betas"]
        step, mean, square = self.moments(xp, p, g, group, state)
        if group["amsgrad"]:
            most = state.get("most")
            square = state["most"] = square * 1.0 if most is None else xp.maximum(most, square)
        size = group["lr"] / (1 - beta1**step)
        root = xp.sqrt(square)
        root *= 1 / (1 - beta2**step) ** 0.5
        root += group["eps"]
        move = mean / root
        move *= -size
        move += p
        return move


class AdamW(Adam):
    """Adam whose weight decay is a shrinking of the parameter, apart from the gradient.

    Its parameters are those of :class:`Adam`, but `weight_decay` is 0.01 unless given.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of AdamW."""
        shrunk = p * (1 - group["lr"] * group["weight_decay"])
        return self._adam(xp, shrunk, g, group, state)


class NAdam(_Moments):
    """Adam that looks ahead, as Nesterov's momentum does.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay
        As in :class:`Adam`.
    momentum_decay
        How soon the momentum reaches its full share.

    References
    ----------
    Dozat, "Incorporating Nesterov momentum into Adam" (2016), with the schedule that it gives.
    """

    remembers = ("step", "mean", "square", "product")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
            },
        )  # fmt: skip

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """One step of NAdam."""
        beta1, beta2 = group["betas"]
        decay, lr = group["weight_decay"], group["lr"]
        g = g + decay * p if decay else g
        step, mean, square = self.moments(xp, p, g, group, state)
        now, next_ = (
            beta1 * (1 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1)
        )
        product = state.get("product", 1.0) * now
        state["product"] = product
        root = xp.sqrt(square * (1 / (1 - beta2**step)))
        root += group["eps"]
        ahead = g * (lr * (1 - now) / (1 - product))
        ahead += mean * (lr * next_ / (1 - product * next_))
        return p - ahead / root


class RAdam(_Moments):
    """Adam that leaves out the step sizes while too few gradients have gone into them.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay
        As in :class:`Adam`.

    References
    ----------
    Liu et al., "On the variance of the adaptive learning rate and beyond" (2020), algorithm 2.
    """

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
        """One step of RAdam."""
        beta1, beta2 = group["betas"]
        decay = group["weight_decay"]
        g = g + decay * p if decay else g
        step, mean, square = self.moments(xp, p, g, group, state)
        size = group["lr"] / (1 - beta1**step)
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / (1 - beta2**step)
        if length <= 5:
            return p - size * mean
        tractable = (length - 4) * (length - 2) * longest
        size *= (tractable / ((longest - 4) * (longest - 2) * length)) ** 0.5
        root = xp.sqrt(square)
        root += group["eps"]
        return p - (size * (1 - beta2**step) ** 0.5) * mean / root
