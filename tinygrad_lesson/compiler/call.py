"""Call: the arguments of one call of a compiled step, and what decides which program fits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import DType, get_default_dtype
from ..graph import Node, Shape
from ..mode import current
from ..tensor import Tensor
from ..tracing.program import Lent


class Given(NamedTuple):
    """What decides of a tensor among the arguments.

    `place` numbers the tensors, so that one that is given twice is told from two.
    """

    place: int
    kind: type
    shape: Shape
    dtype: DType
    requires_grad: bool


class Form(NamedTuple):
    """What is kept of a call: the tensors themselves are not.

    Attributes
    ----------
    grad
        Whether ops are recorded.
    parts
        What decides of each argument; None if there are keywords or nests among them.
    others
        The arguments that are no tensors.
    lent
        For each tensor, whether it is an array of the user's.
    """

    grad: bool
    parts: tuple[Hashable, ...] | None
    others: tuple[Any, ...]
    lent: tuple[bool, ...]


class _Same:
    """Something that has no hash: it is the same if it is the same object."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


class Call:
    """Arguments: tensors and arrays, which are read anew in each call, and everything else.

    Attributes
    ----------
    tensors
        The tensors among the arguments; arrays are made into some, without a copy.
    key
        What has to be the same for a program to fit: the nesting, shapes and dtypes, and other
        values.
    """

    def __init__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs
        self.tensors: list[Tensor] = []
        self._places: dict[int, int] = {}
        self.grad = current().grad
        self.parts = tuple(map(self._part, args))
        named = tuple((name, self._part(value)) for name, value in kwargs.items())
        self.key: Hashable = (self.grad, get_default_dtype(), self.parts, named)

    def _part(self, value: Any) -> Hashable:
        """What of an argument decides."""
        if isinstance(value, Tensor | np.ndarray):
            place = self._places.setdefault(id(value), len(self.tensors))
            if place == len(self.tensors):
                self.tensors.append(
                    value if isinstance(value, Tensor) else Lent.of(np.asarray(value))
                )
            tensor = self.tensors[place]
            data = tensor._data
            return Given(place, type(value), data.shape, data.dtype, tensor.requires_grad)
        if isinstance(value, tuple | list):
            return type(value), *map(self._part, value)
        if type(value) is dict:
            return dict, *((name, self._part(item)) for name, item in value.items())
        if isinstance(value, float | np.floating):
            return type(value), repr(value)  # 0.0 and -0.0 are two, NaN is one
        try:
            hash(value)
        except TypeError:
            return _Same(value)
        return type(value), value

    def form(self) -> Form:
        """What is kept of the call for those like it."""
        lent = tuple(type(tensor) is Lent for tensor in self.tensors)
        others = tuple(None if type(part) is Given else x for part, x in zip(self.parts, self.args))  # noqa: B905
        simple = not self.kwargs and not any(map(_has_parts, self.args))
        return Form(self.grad, self.parts if simple else None, others if simple else (), lent)

    def recorded(self) -> bool:
        """Whether an argument has a history, which gradients shall go back to."""
        return self.grad and any(type(tensor._node) is Node for tensor in self.tensors)

    def of(self, function: Callable[..., Any], tensors: Sequence[Tensor]) -> Any:
        """What the function returns for other tensors in the place of these."""
        args = [self._with(value, tensors) for value in self.args]
        return function(*args, **{k: self._with(v, tensors) for k, v in self.kwargs.items()})

    def _with(self, value: Any, tensors: Sequence[Tensor]) -> Any:
        if isinstance(value, Tensor | np.ndarray):
            return tensors[self._places[id(value)]]
        if isinstance(value, tuple | list):
            items = [self._with(item, tensors) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
        if type(value) is dict:
            return {name: self._with(item, tensors) for name, item in value.items()}
        return value

    def names(self, function: Callable[..., Any]) -> list[str]:
        """What to call each of the tensors, by the function's parameters."""
        found: dict[int, str] = {}
        for name, value in self._named(function):
            for path, tensor in _tensors(name, value):
                found.setdefault(self._places[id(tensor)], path)
        return [found[place] for place in range(len(self.tensors))]

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


def _has_parts(value: Any) -> bool:
    """Whether an argument is more than a tensor, a plain array or a number."""
    special = isinstance(value, np.ndarray) and type(value) is not np.ndarray
    return special or isinstance(value, tuple | list | dict)


def _tensors(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The tensors and arrays in an argument, by name."""
    if isinstance(value, Tensor | np.ndarray):
        yield path, value
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            yield from _tensors(f"{path}_{i}", item)
    elif type(value) is dict:
        for name, item in value.items():
            yield from _tensors(f"{path}_{name}", item)
