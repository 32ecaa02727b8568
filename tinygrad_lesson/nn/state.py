"""Whether saved numbers fit what is to take them over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import StateDictError, TinygradError
from ..tensor import Tensor


class Mismatch(NamedTuple):
    """What ``load_state_dict(strict=False)`` left alone."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load(where: str, own: Mapping[str, Tensor], state: Any, strict: bool) -> Mismatch:
    """Let the tensors `own` take over `state`; if it does not fit, change nothing."""
    if not isinstance(state, Mapping):
        raise StateDictError(
            where, f"the state is a {type(state).__name__}", "Pass what state_dict() returned."
        )
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    if strict and (missing or unexpected):
        lists = [f"missing {missing}"] * bool(missing)
        lists += [f"unexpected {unexpected}"] * bool(unexpected)
        raise StateDictError(
            where, " and ".join(lists), "Build the same architecture, or pass strict=False."
        )
    new = {
        name: fitting(where, name, state[name], tensor)
        for name, tensor in own.items()
        if name in state
    }
    for name, numbers in new.items():
        own[name].assign(numbers)
    return Mismatch(missing, unexpected)


def fitting(where: str, name: str, value: Any, own: Tensor) -> Tensor:
    """`value` as a tensor that `own` can take over without fail."""
    if not own.is_leaf:
        raise StateDictError(
            where,
            f"{name} is the result of an op, and its graph needs the numbers",
            "Assign an nn.Parameter again.",
        )
    try:
        tensor = Tensor(value)
    except TinygradError as error:
        raise StateDictError(where, f"{name} is unfit: {error.what}", error.remedy) from error
    if tensor.shape != own.shape:
        raise StateDictError(
            where,
            f"{name} has shape {own.shape}, the state {tensor.shape}",
            "Build the module with the sizes of the saved one.",
        )
    if not np.can_cast(tensor.dtype, own.dtype, "same_kind"):
        raise StateDictError(
            where,
            f"{name} is {own.dtype}, the state {tensor.dtype}, which does not fit into it",
            "Convert the numbers with astype() first.",
        )
    return tensor
