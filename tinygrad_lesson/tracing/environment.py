"""The variables from outside that a function reads: what its names stand for may change.

A tensor is read anew in each step. That a name stands for another tensor, or another number, nobody
tells: so the names in the code of a step, and of the user's functions that it calls, are guards.
So are attributes that the code asks of what a name stands for, as in ``config.scale``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

from ..errors import TraceError
from .names import (
    PACKAGE,
    PLAIN,
    Local,
    Slots,
    chains,
    defaults,
    functions,
    homes,
    is_ours,
    is_users,
    methods,
)
from .program import Guard, watched

MOST = 256
"""Longer lists and dicts are not gone through in each call."""


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
        elif isinstance(self.holder, Slots):
            setattr(self.holder.owner, self.name, self.value)

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
        self._seen: set[tuple[CodeType, frozenset[tuple[str, int]]]] = set()

    def add(self, function: Any, given: Local | None = None) -> None:
        """Note the variables of a function, and of the user's functions that it calls.

        Parameters
        ----------
        given
            Its arguments, by name.
        """
        runs = hasattr(type(function), "named_modules")
        for found, local in functions(function):
            self._add(found, {**local, **(given or {})}, runs)

    def _add(self, function: FunctionType, local: Local, runs: bool = False) -> None:
        """The same; of a module that `runs` others look at its attributes."""
        code = function.__code__
        known = code, frozenset((name, id(value)) for name, value in local.items())
        if known in self._seen or (function.__module__ or "").partition(".")[0] == PACKAGE:
            return
        self._seen.add(known)
        local = {**defaults(function), **local}
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        for name, cell in cells.items():
            self._note(_Name(name, cell), function)
        for chain in chains(code):
            self._follow(chain, function, cells)
        # Among the others are local names that functions inside read, too.
        for name, *attributes in (*chains(code, local=True), *chains(code)) if local else ():
            if name in local:
                self._add_called(local[name], function)
                self._look_into(local[name], attributes, function, runs)

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

    def _look_into(
        self, value: Any, attributes: Iterable[str], function: FunctionType, known: bool = False
    ) -> None:
        """Note an attribute of a value, unless that is `known`; one of that, and so on."""
        for attribute in attributes:
            fixed = not is_ours(type(value))
            names = [_Name(attribute, home, fixed) for home in homes(value, attribute)]
            for found in names:
                plain = isinstance(found.value, PLAIN) and attribute != "training"
                if fixed or (plain and not known):
                    self._note(found, function)
            if not names:
                for code, local in methods(value, attribute):
                    self._add_of(code, local, function)
                return
            value, known = names[-1].value, False

    def _note(self, found: _Name, function: FunctionType) -> Any:
        value = found.value
        if isinstance(value, ModuleType | type | BuiltinFunctionType | property):
            return value
        self._names.setdefault((id(found.holder), found.name), found)
        for called in (*self._note_items(value), value):
            self._add_called(called, function)
        return value

    def _add_called(self, value: Any, caller: FunctionType) -> None:
        """The same for what a name stands for, if that can be called."""
        if not hasattr(type(value), "named_modules"):  # that a module runs is told otherwise
            for code, local in functions(value):
                self._add_of(code, local, caller)

    def _add_of(self, code: FunctionType, local: Local, caller: FunctionType) -> None:
        """The same for a function that another one calls, if it is the user's."""
        if code.__globals__ is caller.__globals__ or is_users(code.__code__.co_filename):
            self._add(code, local)

    def _note_items(self, value: Any) -> list[Any]:
        """Note what is in a list or a dict, and in those that are in it: the objects of it."""
        stack, objects = [value], []
        while stack:
            nest = stack.pop()
            if isinstance(nest, tuple) or (
                isinstance(nest, list | dict) and len(nest) <= MOST and id(nest) not in self._nests
            ):
                found = _items(nest)
                stack += found
                objects += [x for x in found if not isinstance(x, (*PLAIN, list, dict))]
                if not isinstance(nest, tuple):
                    self._nests[id(nest)] = nest, found
        return objects

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
