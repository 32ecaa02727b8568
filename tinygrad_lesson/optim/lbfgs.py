"""L-BFGS: a quasi-Newton method for full-batch problems of up to some thousand parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..arrays import Array
from ..arrays import numpy as xp
from ..errors import ArgumentError, StateDictError
from ..mode import current, enable_grad
from .line_search import strong_wolfe
from .optimizer import Optimizer


class LBFGS(Optimizer):
    """Newton's method with a Hessian guessed from the last gradients.

    Each ``step(closure)`` makes several iterations, and calls the closure, which computes the loss
    anew, as often as it needs. All numbers are one vector; there is a single group.

    Parameters
    ----------
    params
        Tensors.
    lr
        Scales each move; 1 is right with a line search.
    max_iter, max_eval
        The most iterations, and calls of the closure, in a step; `max_eval` is 1.25 times
        `max_iter` unless given.
    tolerance_grad, tolerance_change
        A step ends where the largest gradient, or the change of the loss or of any number, is
        below.
    history_size
        How many past moves the guess is made from.
    line_search_fn
        ``"strong_wolfe"``, or None to move by `lr`.

    References
    ----------
    Nocedal and Wright, "Numerical optimization" (2006), algorithms 7.4 and 7.5.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> w = tl.Tensor([-1.2, 1.0], requires_grad=True, dtype=tl.float64)
    >>> newton = tl.optim.LBFGS([w], line_search_fn="strong_wolfe", tolerance_change=1e-14)
    >>> def rosenbrock():
    ...     newton.zero_grad()
    ...     loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
    ...     loss.backward()
    ...     return loss
    >>> for _ in range(2):
    ...     _ = newton.step(rosenbrock)
    >>> [round(x, 6) for x in w.tolist()]
    [1.0, 1.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        if line_search_fn not in (None, "strong_wolfe"):
            raise ArgumentError(
                "LBFGS", f"line_search_fn={line_search_fn!r} is unknown", "Pass 'strong_wolfe'."
            )
        super().__init__(
            params,
            {
                "lr": lr, "max_iter": max_iter,
                "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
                "history_size": history_size, "line_search_fn": line_search_fn,
            },
        )  # fmt: skip
        if len(self.param_groups) != 1:
            raise ArgumentError(
                "LBFGS", f"there are {len(self.param_groups)} groups", "Pass a list of tensors."
            )
        self.moves: list[Array] = []
        self.changes: list[Array] = []  # of the gradient, along those moves
        self.last: tuple[Array, Array, float] | None = None  # direction, gradient and length

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make up to `max_iter` iterations; returns the loss before the first."""
        if closure is None:
            raise ArgumentError(
                "LBFGS", "step() needs the loss more than once",
                "Pass a function that computes it and calls backward().",
            )  # fmt: skip
        tracer = current().tracer
        if tracer is not None:
            tracer.refuse(
                "LBFGS", "how far to go is decided by numbers, which differ from step to step",
                "Compile the closure, and call step(closure) outside.",
            )  # fmt: skip
        group = self.param_groups[0]
        names = ("lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change")
        lr, max_iter, max_eval, least_slope, least_change = (group[n] for n in names)
        searching = group["line_search_fn"] is not None
        calls = 0

        def evaluate(at: Array | None = None) -> tuple[float, Array]:
            nonlocal calls
            calls += 1
            if at is not None:
                self._put(at)
            with enable_grad():
                value = closure()
            return float(value), self._gradient()

        with enable_grad():
            first = closure()
        calls, loss, g = 1, float(first), self._gradient()
        for iteration in range(max_iter):
            if _largest(g) <= least_slope:
                break
            direction, length = self._direction(g, lr)
            descent = _dot(g, direction)
            self.last = direction, g, length
            if descent > -least_change:
                break
            before, x = loss, self._numbers()
            if searching:
                loss, g, length = strong_wolfe(
                    lambda t: evaluate(x + t * direction),  # noqa: B023  (called at once)
                    direction, length, loss, g, descent, least_change, max_eval - calls,
                )  # fmt: skip
                self._put(x + length * direction)
            else:
                self._put(x + length * direction)
                if iteration != max_iter - 1:  # the last one needs no gradient any more
                    loss, g = evaluate()
            self.last = direction, self.last[1], length
            still = _largest(length * direction) <= least_change
            if calls >= max_eval or still or abs(loss - before) < least_change:
                break
        return first

    def _direction(self, g: Array, lr: float) -> tuple[Array, float]:
        """Where to go from a gradient, and how far to try first."""
        if self.last is None:
            return -g, min(1.0, 1.0 / float(xp.sum(xp.abs(g)))) * lr
        direction, old, length = self.last
        change, move = g - old, length * direction
        if _dot(change, move) > 1e-10:  # else the guess would not be positive definite
            size = self.param_groups[0]["history_size"]
            self.moves = [*self.moves, move][-size:]
            self.changes = [*self.changes, change][-size:]
        pairs = [(s, y, 1 / _dot(y, s)) for s, y in zip(self.moves, self.changes, strict=True)]
        q, shares = -g, []
        for s, y, rho in reversed(pairs):
            shares.append(rho * _dot(s, q))
            q = q - shares[-1] * y
        if pairs:
            s, y, _ = pairs[-1]
            q = q * (_dot(s, y) / _dot(y, y))
        for s, y, rho in pairs:
            q = q + (shares.pop() - rho * _dot(y, q)) * s
        return q, lr

    # ---- all parameters as one vector ----------------------------------------------------

    def _numbers(self) -> Array:
        return _flat([p.raw for p in self.param_groups[0]["params"]])

    def _gradient(self) -> Array:
        params = self.param_groups[0]["params"]
        return _flat([xp.zeros_like(p.raw) if p.grad is None else p.grad.raw for p in params])

    def _put(self, numbers: Array) -> None:
        start = 0
        for p in self.param_groups[0]["params"]:
            p.assign(xp.reshape(numbers[start : start + p.size], p.shape))
            start += p.size

    def state_dict(self) -> dict[str, Any]:
        """Settings, and the history as vectors of all numbers."""
        saved = super().state_dict()
        if self.last is not None:
            direction, g, length = self.last
            saved["state"] = {
                "moves": [m.copy() for m in self.moves],
                "changes": [c.copy() for c in self.changes],
                "direction": direction.copy(), "gradient": g.copy(), "length": length,
            }  # fmt: skip
        return saved

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; if it does not fit, change nothing."""
        held = state_dict.get("state") if isinstance(state_dict, Mapping) else None
        if not held:
            super().load_state_dict(state_dict)
            self.moves, self.changes, self.last = [], [], None
            return
        vectors = [*held["moves"], *held["changes"], held["direction"], held["gradient"]]
        numbers = self._numbers()
        if any(v.shape != numbers.shape for v in vectors):
            raise StateDictError(
                "LBFGS.load_state_dict",
                f"the state is of {vectors[0].size} numbers, the parameters have {numbers.size}",
                "Build the optimizer over the same parameters.",
            )
        super().load_state_dict({**state_dict, "state": {}})
        self.moves, self.changes = list(held["moves"]), list(held["changes"])
        self.last = held["direction"], held["gradient"], held["length"]


def _flat(arrays: list[Array]) -> Array:
    return xp.concat([xp.reshape(a, (-1,)) for a in arrays])


def _dot(a: Array, b: Array) -> float:
    return float(xp.sum(a * b))


def _largest(a: Array) -> float:
    return float(xp.max(xp.abs(a))) if a.size else 0.0
