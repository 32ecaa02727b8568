"""Nests among the arguments of a step: containers, in which tensors and Python values may be.

Besides tuples, lists and dicts of any class, these are sets, dataclasses and simple namespaces:
what is compared by its content, so that it may become another without becoming another object.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from ..errors import TraceError
from ..tensor import Tensor


class Place(NamedTuple):
    """Where a tensor is to be."""

    number: int


def items(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """The parts of a nest, by index or name; None for everything else."""
    if isinstance(value, tuple | list | set | frozenset):
        return enumerate(value)
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, SimpleNamespace) or _is_record(type(value)):
        if hasattr(value, "__dict__"):
            return list(vars(value).items())
        names: list[str] = [field.name for field in dataclasses.fields(value)]
        return [(name, getattr(value, name)) for name in names if hasattr(value, name)]
    return None


def _is_record(kind: Any) -> bool:
    """Whether it is a dataclass that is compared by its fields, and no module."""
    by_identity = kind.__hash__ is object.__hash__ or hasattr(kind, "named_modules")
    return dataclasses.is_dataclass(kind) and not by_identity


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The same nest, made anew, of what `function` makes of each tensor, array and Place."""
    if isinstance(value, Tensor | np.ndarray | Place):
        return function(value)
    if isinstance(value, tuple | list):
        parts = [mapped(function, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    found = items(value)
    if found is None:
        return value
    made = copy.copy(value)
    if isinstance(value, dict):
        for key, part in found:
            made[key] = mapped(function, part)
    elif not isinstance(value, set | frozenset):
        for name, part in found:
            object.__setattr__(made, name, mapped(function, part))
    return made


def check_unchanged(given: Any, before: Any) -> None:
    """Raise TraceError unless a nest has the parts that it had before the step."""
    changed = _changed(given, before)
    if changed is not None:
        raise TraceError(
            "compile",
            f"the step changes a {type(changed).__name__} among its arguments, which a program"
            " would not repeat",
            "Return what is new, or keep it in a tensor and assign() to that.",
        )


def _changed(given: Any, before: Any) -> Any:
    """The innermost nest that has other parts than before, or None."""
    if isinstance(given, set | frozenset):
        return None if given == before else given
    now, then = (dict(items(nest) or ()) for nest in (given, before))
    if list(now) != list(then):
        return given
    for key, part in now.items():
        old = then[key]
        if part is old:
            continue
        if type(part) is not type(old) or items(part) is None:
            return given
        found = _changed(part, old)
        if found is not None:
            return found
    return None
