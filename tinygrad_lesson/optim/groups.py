"""What an optimizer is given, checked before anything begins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, cast

import numpy as np

from ..arguments import shown
from ..errors import ArgumentError, RangeError
from ..tensor import Tensor

Group = dict[str, Any]

_NOT_NEGATIVE = (
    "lr", "weight_decay", "eps", "momentum", "lr_decay", "initial_accumulator_value",
    "momentum_decay",
)  # fmt: skip
_SHARES = ("betas",)
_SHARE = ("alpha", "rho", "dampening")


def setting(where: str, name: str, value: Any) -> Any:
    """`value`, if the setting `name` can have it; any, for the names of other optimizers."""
    if name in _NOT_NEGATIVE:
        value = _number(where, name, value)
        if value < 0:
            raise RangeError(where, f"{name}={value} is negative", f"Pass {name} >= 0.")
        if not math.isfinite(value):
            raise RangeError(where, f"{name}={value} is not finite", f"Pass {name} >= 0.")
    elif name in _SHARES:
        if not isinstance(value, tuple | list) or len(value) != 2:
            raise ArgumentError(
                where, f"{name}={shown(value)} are not two numbers", "Pass a pair: (0.9, 0.999)."
            )
        value = tuple(_number(where, name, share) for share in value)
        if not all(0 <= share < 1 for share in value):
            raise RangeError(
                where, f"{name}={value} are not in [0, 1)", "Pass numbers from 0 up to 1."
            )
    elif name in _SHARE:
        value = _number(where, name, value)
        if not 0 <= value <= 1:
            raise RangeError(where, f"{name}={value} is not in [0, 1]", "Pass a share.")
    return value


def _number(where: str, name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ArgumentError(
            where, f"{name}={shown(value)} is a {type(value).__name__}", "Pass a Python number."
        )
    return value.item() if isinstance(value, np.generic) else value


def groups_of(where: str, params: Any, defaults: dict[str, Any]) -> list[Group]:
    """The parameter groups that `params` stands for, each with all its settings."""
    defaults = {name: setting(where, name, value) for name, value in defaults.items()}
    if isinstance(params, Tensor):
        raise ArgumentError(where, "params is a single tensor", "Pass a list: [w].")
    given = _listed(where, "params", params)
    dicts = [isinstance(item, Mapping) for item in given]
    if any(dicts) and not all(dicts):
        raise ArgumentError(
            where,
            "params has both tensors and groups",
            'Put the tensors into a group as well: {"params": [w]}.',
        )
    groups = [
        _group(where, group, defaults) for group in (given if any(dicts) else [{"params": given}])
    ]
    seen: set[int] = set()
    for parameter in (parameter for group in groups for parameter in group["params"]):
        if id(parameter) in seen:
            called = f"the tensor {parameter.name!r}" if parameter.name else "a tensor"
            raise ArgumentError(
                where,
                f"{called} of shape {parameter.shape} is given twice",
                "Give each once, in one group.",
            )
        seen.add(id(parameter))
    if not seen:
        raise ArgumentError(where, "there are no parameters", "Pass model.parameters().")
    return groups


def _listed(where: str, name: str, given: Any) -> list[Any]:
    kind = type(given).__name__
    if hasattr(given, "parameters"):
        raise ArgumentError(
            where, f"{name} is the module {kind} itself", "Pass model.parameters()."
        )
    if isinstance(given, Mapping):
        raise ArgumentError(
            where, f"{name} is a {kind}", 'Pass a list, of tensors or of groups {"params": [w]}.'
        )
    if isinstance(given, set | frozenset):
        raise ArgumentError(
            where, f"{name} is a {kind}, which has no order", "Pass a list: the state goes by it."
        )
    if not isinstance(given, Iterable):
        raise ArgumentError(where, f"{name} is a {kind}", "Pass model.parameters() or [w].")
    return list(given)


def _group(where: str, given: Mapping[str, Any], defaults: dict[str, Any]) -> Group:
    unknown = [name for name in given if name != "params" and name not in defaults]
    if unknown:
        raise ArgumentError(
            where,
            f"a group has unknown settings: {', '.join(map(str, unknown))}",
            f"Known ones are {', '.join(defaults)}.",
        )
    if "params" not in given:
        raise ArgumentError(
            where, "a group has no parameters", 'Give it some: {"params": [w], "lr": 0.1}.'
        )
    params = given["params"]
    params = [params] if isinstance(params, Tensor) else _listed(where, "a group's params", params)
    for parameter in params:
        if not isinstance(parameter, Tensor) or not parameter.is_leaf:
            raise ArgumentError(where, *_unfit(parameter))
    settings = {name: setting(where, name, given[name]) for name in given if name != "params"}
    return {**defaults, **settings, "params": params}


def _unfit(parameter: Any) -> tuple[str, str]:
    """Why something cannot be optimized, and the remedy."""
    if isinstance(parameter, tuple) and len(parameter) == 2 and isinstance(parameter[0], str):
        return (
            f"a parameter must be a leaf Tensor, not a pair of a name and one: {parameter[0]!r}",
            "Pass model.parameters(), without the names.",
        )
    if isinstance(parameter, Tensor):
        described = f"the result of {cast(Any, parameter.node).op.name}"
    else:
        described = f"a {type(parameter).__name__}"
    return (
        f"a parameter must be a leaf Tensor, not {described}",
        "Pass model.parameters(), or tensors made with requires_grad=True.",
    )
