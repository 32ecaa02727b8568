"""Arguments that must be integers, counts or shapes, checked before anything is made of them."""

from __future__ import annotations

import reprlib
from operator import index
from typing import Any

from .errors import ArgumentError, RangeError, ShapeError


def shown(value: Any) -> str:
    """`value` in a message: short, and on one line."""
    return " ".join(reprlib.repr(value).split())


def integer(where: str, name: str, value: Any) -> int:
    """The argument `name` of `where`, which must be an integer."""
    try:
        return index(value)
    except TypeError as error:
        kind = type(value).__name__
        what = f"{name}={shown(value)} is no integer but a {kind}"
        whole = isinstance(value, float) and value.is_integer()
        remedy = f"Pass {int(value)}." if whole else "Pass an integer."
        raise ArgumentError(where, what, remedy) from error


def count(where: str, name: str, value: Any) -> int:
    """The argument `name` of `where`, which must be an integer that is not negative."""
    number = integer(where, name, value)
    if number < 0:
        raise RangeError(where, f"{name}={number} is negative", f"Pass {name} >= 0.")
    return number


def lengths(where: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape in the arguments of ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    given = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    try:
        checked = tuple(index(length) for length in given)
    except TypeError as error:
        raise ArgumentError(
            where,
            f"shape {shown(tuple(given))} has lengths that are no integers",
            "Pass integers; dtype and the like go by name.",
        ) from error
    if any(length < 0 for length in checked):
        raise ShapeError(where, f"shape {checked} has a negative length", "Lengths are 0 or more.")
    return checked
