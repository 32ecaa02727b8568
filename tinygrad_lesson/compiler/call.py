"""Call: the arguments of one call of a compiled step, and what decides which program fits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np

from ..dtypes import get_default_dtype
from ..mode import current
from ..tensor import Tensor


class Call:
    """Arguments: tensors and arrays, which are read anew in each call, and everything else.

    Attributes
    ----------
    tensors
        The tensors among the arguments; arrays are made into some.
    key
        What has to be the same for a program to fit: the nesting, shapes and dtypes, and other
        values.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.tensors: list[Tensor] = []
        self._places: dict[int, int] = {}
        parts = [self._part(value) for value in args]
        named = [(name, self._part(value)) for name, value in kwargs.items()]
        self.args = tuple(part[0] for part in parts)
        self.kwargs = {name: part[0] for name, part in named}
        self.key: Hashable = (
            current().grad,
            get_default_dtype(),
            tuple(part[1] for part in parts),
            tuple((name, part[1]) for name, part in named),
        )

    def _part(self, value: Any) -> tuple[Any, Hashable]:
        """What the function gets for an argument, and what of it decides."""
        if isinstance(value, np.ndarray):
            value = Tensor.lift(value)
        if isinstance(value, Tensor):
            place = self._places.setdefault(id(value), len(self.tensors))
            if place == len(self.tensors):
                self.tensors.append(value)
            data = value._data
            return value, (place, data.shape, data.dtype, value.requires_grad)
        if type(value) in (tuple, list) or isinstance(value, tuple):
            parts = [self._part(item) for item in value]
            items = [part[0] for part in parts]
            made = type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
            return made, (type(value), *(part[1] for part in parts))
        if type(value) is dict:
            pairs = [(name, self._part(item)) for name, item in value.items()]
            return (
                {name: part[0] for name, part in pairs},
                (dict, *((name, part[1]) for name, part in pairs)),
            )
        try:
            hash(value)
        except TypeError:
            return value, (type(value), id(value))
        return value, (type(value), value)

    def of(self, function: Callable[..., Any]) -> Any:
        """What the function returns."""
        return function(*self.args, **self.kwargs)

    def names(self, function: Callable[..., Any]) -> list[str]:
        """What to call each of the tensors, by the function's parameters."""
        found: dict[int, str] = {}
        for name, value in self._named(function):
            for path, tensor in _tensors(name, value):
                found.setdefault(id(tensor), path)
        return [found[id(tensor)] for tensor in self.tensors]

    def _named(self, function: Callable[..., Any]) -> list[tuple[str, Any]]:
        try:
            bound = inspect.signature(function).bind(*self.args, **self.kwargs)
        except (TypeError, ValueError):
            return [*((f"x{i}", v) for i, v in enumerate(self.args)), *self.kwargs.items()]
        return list(bound.arguments.items())

    def difference(self, other: Any, function: Callable[..., Any]) -> str:
        """What tells this call from one with another key."""
        if self.key[:2] != other[:2]:  # type: ignore[index]
            return "the mode or the default dtype"
        mine = [*self.key[2], *(part for _, part in self.key[3])]  # type: ignore[index]
        theirs = [*other[2], *(part for _, part in other[3])]
        names = [name for name, _ in self._named(function)]
        for name, new, old in zip(names, mine, theirs, strict=False):
            if new != old:
                return f"the argument {name!r}"
        return "the number of arguments"


def _tensors(path: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            yield from _tensors(f"{path}_{i}", item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _tensors(f"{path}_{name}", item)
