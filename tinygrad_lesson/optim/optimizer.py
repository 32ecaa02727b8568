"""Optimizer: the loop over parameters that every optimizer shares.

A subclass writes one :meth:`Optimizer.update` in the array vocabulary, on raw arrays: nothing of
it is recorded, and a tracer still sees every operation. It puts new arrays into the parameters,
through ``Tensor.assign``; older graphs keep the old ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ..arrays import Array, Namespace
from ..arrays import numpy as numpy_namespace
from ..errors import ArgumentError, RangeError, StateDictError
from ..mode import current
from ..tensor import Tensor

Group = dict[str, Any]


def read(holder: Mapping[str, Any], key: str) -> Any:
    """A hyperparameter or a counter: the one place where a step reads a Python number."""
    return holder[key]


def write(holder: dict[str, Any], key: str, value: Any) -> None:
    """Set a counter: the one place where a step writes a Python number."""
    holder[key] = value


class Optimizer:
    """Base class of optimizers.

    Parameters
    ----------
    params
        Tensors, or dicts ``{"params": tensors, "lr": ...}``, each a group with settings of its
        own.
    defaults
        The settings of groups that do not name them.

    Attributes
    ----------
    param_groups
        List of dicts: the parameters of each group and its settings, which may be changed.
    state
        For each parameter, by its number, what the optimizer remembers of it.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        where = type(self).__name__
        for name, value in defaults.items():
            if name in ("lr", "weight_decay", "eps", "momentum") and value < 0:
                raise RangeError(where, f"{name}={value} is negative", f"Pass {name} >= 0.")
        if isinstance(params, Tensor):
            raise ArgumentError(where, "params is a single tensor", "Pass a list: [w].")
        given = list(params)
        groups = given if given and isinstance(given[0], dict) else [{"params": given}]
        self.param_groups: list[Group] = []
        self.state: dict[int, dict[str, Any]] = {}
        for group in groups:
            group = {**defaults, **group, "params": list(group["params"])}
            self.param_groups.append(group)
            for parameter in group["params"]:
                if not isinstance(parameter, Tensor) or not parameter.is_leaf:
                    raise ArgumentError(
                        where,
                        f"a parameter must be a leaf Tensor, not {_described(parameter)}",
                        "Pass model.parameters(), or tensors made with requires_grad=True.",
                    )
        if not any(group["params"] for group in self.param_groups):
            raise ArgumentError(where, "there are no parameters", "Pass model.parameters().")

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def step(self) -> None:
        """Change every parameter that has a gradient."""
        xp = current().tracer or numpy_namespace
        number = 0
        for group in self.param_groups:
            for parameter in group["params"]:
                if (gradient := parameter.grad) is not None:
                    state = self.state.setdefault(number, {})
                    new = self.update(xp, parameter.raw, gradient.raw, group, state)
                    parameter.assign(new, copy=False)
                number += 1

    def update(
        self, xp: Namespace, p: Array, g: Array, group: Group, state: dict[str, Any]
    ) -> Array:
        """The new numbers of one parameter.

        Parameters
        ----------
        xp
            The array namespace to compute with.
        p, g
            The parameter and its gradient; neither may be written into.
        group
            The settings.
        state
            What is remembered of this parameter; empty at first.
        """
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Settings and state, without the parameters themselves."""
        number = 0
        groups = []
        for group in self.param_groups:
            numbers = list(range(number, number + len(group["params"])))
            number += len(numbers)
            groups.append({**group, "params": numbers})
        state = {i: {k: _copied(v) for k, v in held.items()} for i, held in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; if it does not fit, change nothing."""
        sizes = [len(group["params"]) for group in self.param_groups]
        saved = [len(group["params"]) for group in state_dict["param_groups"]]
        if sizes != saved:
            raise StateDictError(
                f"{type(self).__name__}.load_state_dict",
                f"the groups have {sizes} parameters, the state {saved}",
                "Build the optimizer over the same parameters.",
            )
        for group, held in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update({k: v for k, v in held.items() if k != "params"})
        self.state = {
            i: {k: _copied(v) for k, v in held.items()} for i, held in state_dict["state"].items()
        }

    def __repr__(self) -> str:
        groups = [
            ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            for group in self.param_groups
        ]
        return f"{type(self).__name__}({'; '.join(groups)})"


def _copied(value: Any) -> Any:
    return value.copy() if hasattr(value, "copy") else value


def _described(parameter: Any) -> str:
    if isinstance(parameter, Tensor):
        return f"the result of {cast(Any, parameter.node).op.name}"
    return f"a {type(parameter).__name__}"
