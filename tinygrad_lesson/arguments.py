"""Arguments that must be integers, counts, shapes or devices, checked before they are used."""

from __future__ import annotations

import reprlib
from operator import index
from typing import Any

import numpy as np

from .errors import ArgumentError, AxisError, RangeError, ShapeError


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


def check_device(where: str, device: Any) -> None:
    """Refuse a `device` other than None and ``"cpu"``."""
    if device is not None and device != "cpu":
        raise RangeError(
            where, f"there is no device {shown(device)}", 'Tensors are on the "cpu"; leave it out.'
        )


def axis(where: str, value: Any, ndim: int, name: str = "axis") -> int:
    """The axis `value` of an array with `ndim` axes, counted from the front."""
    number = integer(where, name, value)
    if not -ndim <= number < ndim:
        raise AxisError(
            where,
            f"{name}={number} does not exist among {ndim} axes",
            f"Use one from {-ndim} to {ndim - 1}." if ndim else "A single number has no axes.",
        )
    return number % ndim


def axes(where: str, value: Any, ndim: int, name: str = "axis") -> tuple[int, ...]:
    """One axis or several of an array with `ndim` axes, counted from the front; no two alike."""
    several = value if isinstance(value, tuple | list) else (value,)
    found = tuple(axis(where, a, ndim, name) for a in several)
    if len(set(found)) < len(found):
        raise AxisError(where, f"{name}={value} names one axis twice", "Name each axis once.")
    return found


def broadcast_shape(where: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape to which arrays of `shapes` broadcast."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise ShapeError(
            where,
            f"shapes {' and '.join(map(str, shapes))} do not broadcast",
            "Axes are lined up from the right; each pair must be equal, or one of them 1.",
        ) from error
