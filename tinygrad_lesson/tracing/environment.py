"""The variables from outside that a function reads: what its names stand for may change.

A tensor is read anew in each step. That a name stands for another tensor, or another number, nobody
tells: so the names in the code of a step, and of the functions beside it that it calls, are guards.
"""

from __future__ import annotations

import builtins
import dis
import functools
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from ..errors import TraceError
from .program import Guard, watched

_PACKAGE = __name__.partition(".")[0]
PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, type(None))
"""Values that are compared; others are the same if they are the same object."""


def same(old: Any, new: Any) -> bool:
    """Whether code that saw `old` would do the same with `new`."""
    return old is new or (
        type(old) is type(new) and isinstance(old, PLAIN) and repr(old) == repr(new)
    )


class _Name:
    """One variable: the cell or the dict that holds it, and what it was."""

    def __init__(self, name: str, holder: CellType | dict[str, Any], value: Any) -> None:
        self.name, self.holder, self.value = name, holder, value

    def now(self) -> Any:
        holder = self.holder
        if isinstance(holder, dict):
            return holder.get(self.name)
        try:
            return holder.cell_contents
        except ValueError:  # deleted
            return None

    def put_back(self) -> None:
        if isinstance(self.holder, dict):
            self.holder[self.name] = self.value
        else:
            self.holder.cell_contents = self.value

    def guard(self) -> Guard:
        get = f"{{0}}.get({self.name!r})"
        code = get if isinstance(self.holder, dict) else "{0}.cell_contents"
        objects: tuple[Any, ...] = (self.holder, self.value)
        code = f"{code} is {{1}}"
        if isinstance(self.value, PLAIN) and self.value is not None:
            code, objects = f"({code} or {{2}}({{1}}, {code.split(' is ')[0]}))", (*objects, same)
        return watched(f"the variable {self.name!r}", code, *objects)


class Environment:
    """The variables that functions read, besides their own."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, str], _Name] = {}
        self._seen: set[CodeType] = set()

    def add(self, function: Any) -> None:
        """Note the variables of a function, and of the functions of its file that it calls."""
        for found in _functions(function):
            self._add(found)

    def _add(self, function: FunctionType) -> None:
        code = function.__code__
        if code in self._seen or (function.__module__ or "").partition(".")[0] == _PACKAGE:
            return
        self._seen.add(code)
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            self._note(name, cell, function)
        for name in set(_global_names(code)):
            if name in function.__globals__:
                self._note(name, function.__globals__, function)

    def _note(self, name: str, holder: CellType | dict[str, Any], function: FunctionType) -> None:
        found = _Name(name, holder, None)
        value = found.value = found.now()
        if isinstance(value, ModuleType | type | BuiltinFunctionType):
            return
        self._names.setdefault((id(holder), name), found)
        if isinstance(value, FunctionType) and value.__globals__ is function.__globals__:
            self._add(value)

    def check(self) -> None:
        """Raise TraceError if the step gave one of the names something else."""
        for found in self._names.values():
            if not same(found.value, found.now()):
                raise TraceError(
                    "compile",
                    f"the step gives the variable {found.name!r} another value, which a program"
                    " would not repeat",
                    "Return the value from the step, or keep it in a tensor and assign() to that.",
                )

    def undo(self) -> None:
        """Let all names stand for what they did."""
        for found in self._names.values():
            if found.now() is not found.value:
                found.put_back()

    def guards(self) -> list[Guard]:
        """What must still be so in the next step."""
        return [found.guard() for found in self._names.values()]


def _functions(function: Any) -> Iterator[FunctionType]:
    """The Python functions behind something that can be called."""
    if isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, MethodType):
        function = function.__func__
    if not isinstance(function, FunctionType):  # an object that can be called
        known = vars(type(function))
        function = getattr(type(function), "forward", None) or known.get("__call__")
    while isinstance(function, FunctionType):
        yield function
        inner: Callable[..., Any] | None = getattr(function, "__wrapped__", None)
        function = inner


def _global_names(code: CodeType) -> Iterator[str]:
    """The global names that a piece of code reads or sets, those of functions inside included."""
    for instruction in dis.get_instructions(code):
        if instruction.opname.endswith("_GLOBAL") and not hasattr(builtins, instruction.argval):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)
