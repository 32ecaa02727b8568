"""Optimizer: the loop over parameters that every optimizer shares.

A subclass writes one :meth:`Optimizer.update` in the array vocabulary, on raw arrays: nothing of
it is recorded, and a tracer still sees every operation. It puts new arrays into the parameters,
through ``Tensor.assign``; older graphs keep the old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from ..arrays import Array, Namespace
from ..arrays import numpy as numpy_namespace
from ..errors import StateDictError
from ..mode import current, enable_grad
from ..ops import zeros_like
from .groups import Group, groups_of
from .state import copied, settings_of, states_of


def averaged(held: Array, share: float, new: Array) -> Array:
    """A running average, ``share * held + (1 - share) * new``, written into `held` itself.

    For what an optimizer alone holds: NumPy's arrays are changed in place, which is twice as fast;
    what has no such thing, as a tracer's variables, gives a new value.
    """
    held *= share
    held += new * (1 - share)
    return held


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
    groups
        What `param_groups` gives, as it is even while a step is traced.
    state
        For each parameter, by its number, what the optimizer remembers of it.
    initial_lrs
        The learning rates before the first schedule, if there is one.
    remembers
        The names that every `state` has once it is not empty, so that a saved one can be checked.
    """

    remembers: ClassVar[tuple[str, ...]] = ()

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.groups: list[Group] = groups_of(type(self).__name__, params, defaults)
        self.state: dict[int, dict[str, Any]] = {}
        self.initial_lrs: list[float] | None = None

    @property
    def param_groups(self) -> list[Group]:
        """The parameters of each group and its settings, in dicts, which may be changed."""
        tracer = current().tracer
        if tracer is None:
            return self.groups
        return [tracer.opened(x, self, "groups", place) for place, x in enumerate(self.groups)]

    @param_groups.setter
    def param_groups(self, groups: list[Group]) -> None:
        self.groups = groups

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make them zeros."""
        for group in self.groups:
            for parameter in group["params"]:
                zeros = not set_to_none and parameter.grad is not None
                parameter.grad = zeros_like(parameter.detach()) if zeros else None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Parameters
        ----------
        closure
            Computes the loss and calls ``backward()``, before anything is changed; its value is
            returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        tracer = current().tracer
        xp = tracer or numpy_namespace
        number = 0
        for group in self.param_groups:
            for parameter in group["params"]:
                if (gradient := parameter.grad) is not None:
                    state = self.state.setdefault(number, {})
                    if tracer is None:
                        p, g = parameter._data, gradient._data
                    else:
                        p, g = tracer.read(parameter), tracer.read(gradient)
                        state = tracer.opened(state, self, "state", number)
                    new = self.update(xp, p, g, group, state)
                    parameter.assign(new, copy=False)
                number += 1
        return loss

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
            The settings. Whether one is 0 may decide what is computed; other decisions by their
            values, or by those of counters, would have to be taken anew in each step.
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
        state = {i: {k: copied(v) for k, v in held.items()} for i, held in self.state.items()}
        return {"optimizer": type(self).__name__, "state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what :meth:`state_dict` returned; if it does not fit, change nothing."""
        name = type(self).__name__
        where = f"{name}.load_state_dict"
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            raise StateDictError(
                where,
                "the state has no 'state' and 'param_groups'",
                "Pass what state_dict() returned.",
            )
        saved = state_dict.get("optimizer", name)
        if saved != name:
            raise StateDictError(
                where, f"this is the state of {saved}", "Build the optimizer of the same class."
            )
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        settings = settings_of(where, self.param_groups, state_dict["param_groups"])
        state = states_of(where, parameters, state_dict["state"], self.remembers)
        for group, new in zip(self.param_groups, settings, strict=True):
            group.update(new)
        for number in {**self.state, **state}:  # the dicts stay: a compiled step knows them
            held = self.state.setdefault(number, {})
            held.clear()
            held.update(state.get(number, {}))

    def __repr__(self) -> str:
        groups = [
            ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            for group in self.param_groups
        ]
        return f"{type(self).__name__}({'; '.join(groups)})"
