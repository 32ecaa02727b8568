"""The variables from outside that a function reads: what its names stand for may change.

A tensor is read anew in each step. That a name stands for another tensor, or another number, nobody
tells: so the names in the code of a step, and of the user's functions that it calls, are guards.
So are attributes that the code asks of what a name stands for, as in ``config.scale``.
"""

from __future__ import annotations

import dis
import functools
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any

import numpy as np

from ..errors import TraceError
from ..tensor import Tensor
from .program import Guard, watched

_PACKAGE = __name__.partition(".")[0]
PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, type(None))
"""Values that are compared; others are the same if they are the same object."""

MOST = 256
"""Longer lists and dicts are not gone through in each call."""

_paths = sysconfig.get_paths()
_INSTALLED = tuple({_paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_ABSENT = object()


def same(old: Any, new: Any) -> bool:
    """Whether code that saw `old` would do the same with `new`."""
    if old is new:
        return True
    if type(old) is not type(new) or not isinstance(old, PLAIN):
        return False
    if isinstance(old, tuple):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new) if isinstance(old, frozenset) else repr(old) == repr(new)


class _Name:
    """One variable: the cell or the dict that holds it, and what it was.

    Attributes
    ----------
    fixed
        Whether the step must leave it alone. (What it does to modules is known otherwise.)
    """

    def __init__(self, name: str, holder: Any, fixed: bool = True) -> None:
        self.name, self.holder, self.fixed = name, holder, fixed
        self.value = self.now()

    def now(self) -> Any:
        holder = self.holder
        if isinstance(holder, Mapping):
            return holder.get(self.name)
        try:
            return holder.cell_contents
        except ValueError:  # deleted
            return None

    def put_back(self) -> None:
        if isinstance(self.holder, dict):
            self.holder[self.name] = self.value
        elif isinstance(self.holder, CellType):
            self.holder.cell_contents = self.value

    def guard(self) -> Guard:
        get = f"{{0}}.get({self.name!r})"
        code = get if isinstance(self.holder, Mapping) else "{0}.cell_contents"
        objects: tuple[Any, ...] = (self.holder, self.value)
        code = f"{code} is {{1}}"
        if isinstance(self.value, PLAIN) and self.value is not None:
            code, objects = f"({code} or {{2}}({{1}}, {code.split(' is ')[0]}))", (*objects, same)
        return watched(f"the variable {self.name!r}", code, *objects)


class Environment:
    """The variables that functions read, besides their own."""

    def __init__(self) -> None:
        self._names: dict[tuple[int, str], _Name] = {}
        self._nests: dict[int, tuple[Any, list[Any]]] = {}
        self._seen: set[CodeType] = set()

    def add(self, function: Any) -> None:
        """Note the variables of a function, and of the user's functions that it calls."""
        owner = function.__self__ if isinstance(function, MethodType) else _ABSENT
        for found in _functions(function):
            self._add(found, owner)

    def _add(self, function: FunctionType, owner: Any = _ABSENT) -> None:
        code = function.__code__
        if code in self._seen or (function.__module__ or "").partition(".")[0] == _PACKAGE:
            return
        self._seen.add(code)
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        for name, cell in cells.items():
            self._note(_Name(name, cell), function)
        for chain in _chains(code):
            self._follow(chain, function, cells)
        if owner is not _ABSENT and code.co_argcount:
            for name, *attributes in _chains(code, local=True):
                if name == code.co_varnames[0]:
                    self._look_into(owner, attributes, function)

    def _follow(
        self, chain: tuple[str, ...], function: FunctionType, cells: dict[str, CellType]
    ) -> None:
        """Note a global variable, and attributes of what a name stands for."""
        name, *attributes = chain
        if name in cells:
            self._look_into(_Name(name, cells[name]).value, attributes, function)
        elif name in function.__globals__:
            value = self._note(_Name(name, function.__globals__), function)
            self._look_into(value, attributes, function)

    def _look_into(self, value: Any, attributes: Iterable[str], function: FunctionType) -> None:
        """Note an attribute of a value, one of that, and so on."""
        for attribute in attributes:
            fixed = not hasattr(type(value), "named_modules")
            names = [_Name(attribute, home, fixed) for home in _homes(value, attribute)]
            for found in names:
                if fixed or (isinstance(found.value, PLAIN) and attribute != "training"):
                    self._note(found, function)
            if not names:
                return
            value = names[-1].value

    def _note(self, found: _Name, function: FunctionType) -> Any:
        value = found.value
        if isinstance(value, ModuleType | type | BuiltinFunctionType | property):
            return value
        self._names.setdefault((id(found.holder), found.name), found)
        self._note_items(value)
        if isinstance(value, FunctionType) and (
            value.__globals__ is function.__globals__ or _is_users(value.__code__.co_filename)
        ):
            self._add(value)
        return value

    def _note_items(self, value: Any) -> None:
        """Note what is in a list or a dict, and in those that are in it."""
        stack = [value]
        while stack:
            nest = stack.pop()
            if isinstance(nest, tuple) or (
                isinstance(nest, list | dict) and len(nest) <= MOST and id(nest) not in self._nests
            ):
                found = _items(nest)
                stack += found
                if not isinstance(nest, tuple):
                    self._nests[id(nest)] = nest, found

    def check(self) -> None:
        """Raise TraceError if the step gave one of the names something else."""
        for found in self._names.values():
            if found.fixed and not same(found.value, found.now()):
                raise TraceError(
                    "compile",
                    f"the step gives the variable {found.name!r} another value, which a program"
                    " would not repeat",
                    "Return the value from the step, or keep it in a tensor and assign() to that.",
                )

    def undo(self) -> None:
        """Let all names stand for what they did."""
        for found in self._names.values():
            if found.fixed and found.now() is not found.value:
                found.put_back()

    def guards(self) -> list[Guard]:
        """What must still be so in the next step."""
        guards = [found.guard() for found in self._names.values()]
        for nest, items in self._nests.values():
            ids = [*map(id, items)]
            if ids == [*map(id, _items(nest))]:  # else the step itself changes it
                told = "{0}.values()), *map(id, {0}" if isinstance(nest, dict) else "{0}"
                code = f"[*map(id, {told})] == {{1}}"
                guards.append(watched("an item of a list or dict", code, nest, ids, items))
        return guards


def _items(nest: Any) -> list[Any]:
    return [*nest.values(), *nest] if isinstance(nest, dict) else [*nest]


def _is_users(file: str | None) -> bool:
    """Whether a file is one of the user's own, not of an installed package."""
    return file is None or not file.startswith(_INSTALLED)


def _homes(value: Any, name: str) -> list[Mapping[str, Any]]:
    """Where an attribute of the user's is looked up: the last one has it.

    It is that of a file, of an object, or a plain value of a class.
    """
    if isinstance(value, ModuleType):
        own = value.__name__.partition(".")[0] != _PACKAGE
        return [vars(value)] if own and _is_users(getattr(value, "__file__", None)) else []
    kind = value if isinstance(value, type) else type(value)
    foreign = kind.__module__.partition(".")[0] in (_PACKAGE, "builtins")
    if foreign or isinstance(value, Tensor | np.ndarray):
        return []
    own_dict = [] if value is kind or not hasattr(value, "__dict__") else [vars(value)]
    if own_dict and name in own_dict[0]:
        return own_dict
    base = next((vars(base) for base in kind.__mro__ if name in vars(base)), None)
    return [*own_dict, base] if base is not None and isinstance(base[name], PLAIN) else []


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


def _chains(code: CodeType, local: bool = False) -> Iterator[tuple[str, ...]]:
    """The names that a piece of code reads or sets, with the attributes that it asks of them.

    Its `local` ones; or all others, and those of functions inside.
    """
    chain: tuple[str, ...] = ()
    for instruction in dis.get_instructions(code):
        kind = instruction.opname
        if chain and kind in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR"):
            chain = (*chain, instruction.argval)
        if chain and kind in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "COPY"):
            continue  # (COPY: as in x.count += 1)
        if chain:
            yield chain
        named = kind.startswith("LOAD_FAST") if local else kind.endswith(("_GLOBAL", "_DEREF"))
        chain = (instruction.argval,) if named and isinstance(instruction.argval, str) else ()
    for constant in () if local else code.co_consts:
        if isinstance(constant, CodeType):
            yield from _chains(constant)
