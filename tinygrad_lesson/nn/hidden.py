"""Modules and parameters in plain lists and dicts, where nothing would find them."""

from __future__ import annotations

from typing import Any

from ..errors import ArgumentError
from .hooks import Hooks
from .parameter import Kept, Parameter

PLAIN = (list, tuple, dict, set)
"""Where the parts of a module would not be found."""


def refuse_hidden(where: str, value: Any) -> None:
    """Raise an error if the attribute `value`, a list or a dict, holds parts of a module."""
    hidden = _held_by(value)
    if hidden is None:
        return
    container = "Dict({...})" if isinstance(value, dict) else "List([...])"
    if isinstance(hidden, Hooks):
        remedy = f"Wrap it: nn.Module{container}."
    elif isinstance(hidden, Parameter):
        remedy = f"Give each an attribute of its own, or wrap it: nn.Parameter{container}."
    else:
        remedy = "Give each an attribute of its own."
    raise ArgumentError(
        where,
        f"a plain {type(value).__name__} hides a {type(hidden).__name__}, which nothing would"
        " train or save",
        remedy,
    )


def _held_by(value: Any, depth: int = 3) -> Hooks | Kept | None:
    """The first part of a module in a list, a dict, or lists in lists."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, Hooks | Kept):
            return item
        if isinstance(item, PLAIN) and depth:
            found = _held_by(item, depth - 1)
            if found is not None:
                return found
    return None
