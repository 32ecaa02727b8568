"""What an optimizer saved, checked against the one that is to go on with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..errors import StateDictError, TinygradError
from ..tensor import Tensor
from .groups import Group, setting

_REMEDY = "Pass what state_dict() returned."


def copied(value: Any) -> Any:
    """An array of its own, or the number."""
    return value.copy() if hasattr(value, "copy") else value


def settings_of(where: str, groups: list[Group], given: Any) -> list[dict[str, Any]]:
    """The settings in saved `given` for each of `groups`."""
    if not isinstance(given, Sequence) or not all(
        isinstance(group, Mapping) and isinstance(group.get("params"), Sequence) for group in given
    ):
        raise StateDictError(where, "the param_groups are no list of groups", _REMEDY)
    sizes = [len(group["params"]) for group in groups]
    saved = [len(group["params"]) for group in given]
    if sizes != saved:
        raise StateDictError(
            where,
            f"the groups have {sizes} parameters, the state {saved}",
            "Build the optimizer over the same parameters.",
        )
    return [_settings(where, group, held) for group, held in zip(groups, given, strict=True)]


def _settings(where: str, group: Group, held: Mapping[str, Any]) -> dict[str, Any]:
    if set(held) != set(group):
        names, saved = (", ".join(str(k) for k in g if k != "params") for g in (group, held))
        raise StateDictError(
            where,
            f"the settings are {names}; the state has {saved}",
            "Build the optimizer of the same class.",
        )
    try:
        return {name: setting(where, name, held[name]) for name in held if name != "params"}
    except TinygradError as error:
        raise StateDictError(where, error.what, error.remedy) from error


def states_of(
    where: str, parameters: list[Tensor], given: Any, remembers: tuple[str, ...]
) -> dict[int, dict[str, Any]]:
    """The states in saved `given`, by the numbers of the parameters."""
    if not isinstance(given, Mapping):
        raise StateDictError(where, "the state is no dict by numbers of parameters", _REMEDY)
    states = {}
    for number, held in given.items():
        if not isinstance(number, int) or not 0 <= number < len(parameters):
            raise StateDictError(
                where,
                f"there is state for parameter {number!r} of {len(parameters)}",
                "Build the optimizer over the same parameters.",
            )
        missing = set(remembers) - set(held) if isinstance(held, Mapping) and held else set()
        if not isinstance(held, Mapping) or missing:
            lacks = f"has no {', '.join(sorted(missing))}" if missing else "is no dict"
            raise StateDictError(where, f"the state of parameter {number} {lacks}", _REMEDY)
        states[number] = {
            name: _value(where, f"{name} of parameter {number}", value, parameters[number])
            for name, value in held.items()
        }
    return states


def _value(where: str, what: str, value: Any, parameter: Tensor) -> Any:
    """A counter, or an array of the shape of the parameter."""
    value = getattr(value, "raw", value)
    if isinstance(value, Real):
        return value
    if not hasattr(value, "shape") or not hasattr(value, "dtype"):
        raise StateDictError(where, f"{what} is a {type(value).__name__}", _REMEDY)
    if value.shape != parameter.shape:
        raise StateDictError(
            where,
            f"{what} has shape {value.shape}, the parameter {parameter.shape}",
            "Build the optimizer over the same parameters.",
        )
    if not np.can_cast(value.dtype, parameter.dtype, "same_kind"):
        raise StateDictError(
            where, f"{what} is {value.dtype}, the parameter {parameter.dtype}", _REMEDY
        )
    return copied(value)
