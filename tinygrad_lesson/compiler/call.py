"""Call: the arguments of one call of a compiled step, and what decides which program fits."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import DType, get_default_dtype
from ..errors import ArgumentError
from ..graph import Node, Shape
from ..mode import current
from ..tensor import Tensor
from ..tracing.program import Lent
from . import nests

TENSORS = "Keep shapes and dtypes the same, by padding for instance."
NUMBERS = "There is a program for each value: pass numbers that change as tensors, tl.Tensor(n)."
OTHERS = "There is a program for each value: pass the same one, or compile a function for each."


class TensorForm(NamedTuple):
    """What decides of a tensor among the arguments.

    `place` numbers the tensors, so that one that is given twice is told from two.
    """

    place: int
    kind: type
    shape: Shape
    dtype: DType
    requires_grad: bool


class Plain(NamedTuple):
    """What decides of a Python value among the arguments; `value` compares as its content does."""

    kind: type
    value: Hashable


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


class Pattern(NamedTuple):
    """Arguments with a place for each of the tensors."""

    args: Any
    kwargs: Any

    def of(self, function: Callable[..., Any], tensors: Sequence[Tensor]) -> Any:
        """What the function returns for these tensors.

        Nests are made anew, and the function must leave them as they are.
        """

        def filled(place: nests.Place) -> Tensor:
            return tensors[place.number]

        args, kwargs = (nests.mapped(filled, nest) for nest in self)
        result = function(*args, **kwargs)
        for given, nest in ((args, self.args), (kwargs, self.kwargs)):
            nests.check_unchanged(given, nests.mapped(filled, nest))
        return result


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
        self._nested = bool(kwargs)
        self.grad = current().grad
        self.parts = tuple(map(self._part, args))
        named = tuple((name, self._part(value)) for name, value in kwargs.items())
        self.key: tuple[Hashable, ...] = (self.grad, get_default_dtype(), self.parts, named)

    def _part(self, value: Any) -> Hashable:
        """What of an argument decides."""
        if isinstance(value, Tensor | np.ndarray):
            place = self._places.setdefault(id(value), len(self.tensors))
            if place == len(self.tensors):
                self.tensors.append(
                    value if isinstance(value, Tensor) else Lent.of(np.asarray(value))
                )
                self._nested |= isinstance(value, np.ndarray) and type(value) is not np.ndarray
            tensor = self.tensors[place]
            data = tensor._data
            return TensorForm(place, type(value), data.shape, data.dtype, tensor.requires_grad)
        items = nests.items(value)
        if items is None:
            return self._plain(value)
        self._nested = True
        if isinstance(value, set | frozenset):
            return type(value), frozenset(self._plain(item) for _, item in items)
        return type(value), *((key, self._part(item)) for key, item in items)

    def _plain(self, value: Any) -> Plain:
        if isinstance(value, float | complex | np.inexact):
            return Plain(type(value), repr(value))  # 0.0 and -0.0 are two, NaN is one
        if isinstance(value, slice):
            return Plain(slice, tuple(map(self._plain, (value.start, value.stop, value.step))))
        if isinstance(value, bytearray):
            self._nested = True
            return Plain(type(value), bytes(value))
        if isinstance(value, Tensor):
            raise ArgumentError(
                "compile", "an argument is a set of tensors, which has no order", "Pass a list."
            )
        try:
            hash(value)
        except TypeError:
            raise ArgumentError(
                "compile",
                f"an argument is a {type(value).__name__}, which has no hash, so that nobody can"
                " tell whether it is the same in the next call",
                "Pass what it consists of, as tensors and numbers, or reach it as a variable.",
            ) from None
        return Plain(type(value), value)

    def form(self) -> Form:
        """What is kept of the call for those like it."""
        lent = tuple(type(tensor) is Lent for tensor in self.tensors)
        others = tuple(
            None if type(part) is TensorForm else x
            for part, x in zip(self.parts, self.args, strict=True)
        )
        simple = not self._nested
        return Form(self.grad, self.parts if simple else None, others if simple else (), lent)

    def pattern(self) -> Pattern:
        """The arguments without the tensors."""

        def place(tensor: Any) -> nests.Place:
            return nests.Place(self._places[id(tensor)])

        return Pattern(nests.mapped(place, self.args), nests.mapped(place, dict(self.kwargs)))

    def objects(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The arguments that the function gets as they are, by name."""
        return {name: x for name, x in self.named(function) if nests.items(x) is None}

    def recorded(self) -> bool:
        """Whether an argument has a history, which gradients shall go back to."""
        return self.grad and any(type(tensor._node) is Node for tensor in self.tensors)

    def names(self, function: Callable[..., Any]) -> list[str]:
        """What to call each of the tensors, by the function's parameters."""
        found: dict[int, str] = {}
        for name, value in self.named(function):
            for path, tensor in _tensors(name, value):
                found.setdefault(self._places[id(tensor)], path)
        return [found[place] for place in range(len(self.tensors))]

    def named(self, function: Callable[..., Any]) -> list[tuple[str, Any]]:
        """The arguments, by the function's parameters."""
        try:
            bound = inspect.signature(function).bind(*self.args, **self.kwargs)
        except (TypeError, ValueError):
            return [*((f"x{i}", v) for i, v in enumerate(self.args)), *self.kwargs.items()]
        return list(bound.arguments.items())

    def difference(self, other: Any, function: Callable[..., Any]) -> tuple[str, str]:
        """What tells this call from one with another key, and what to do about it."""
        if self.key[:2] != other[:2]:
            return "the mode or the default dtype", "Set them once, before the first call."
        mine = [*self.key[2], *(part for _, part in self.key[3])]  # type: ignore[misc, attr-defined]
        theirs = [*other[2], *(part for _, part in other[3])]
        names = [name for name, _ in self.named(function)]
        for name, new, old in zip(names, mine, theirs, strict=False):
            if new != old:
                return f"the argument {name!r}", _remedy(new, old)
        return "the number of arguments", "Pass as many in each call."


def _remedy(new: Any, old: Any) -> str:
    """What to do about an argument that is another one in each call."""
    if type(new) is Plain:
        return NUMBERS if issubclass(new.kind, int | float | complex | np.number) else OTHERS
    if type(new) is tuple and type(old) is tuple and len(new) == len(old):
        for one, other in zip(new, old, strict=True):
            if one != other:
                return _remedy(one, other)
    return TENSORS


def _tensors(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The tensors and arrays in an argument, by name."""
    if isinstance(value, Tensor | np.ndarray):
        yield path, value
    elif not isinstance(value, set | frozenset):
        for key, item in nests.items(value) or ():
            yield from _tensors(f"{path}_{key}", item)
