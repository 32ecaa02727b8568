"""Names: what the code of a function asks for, and where that is found.

The code itself is read, not run: a name, with the attributes that are asked of it one after the
other, as in ``trainer.config.scale``, is a chain.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..tensor import Tensor

PACKAGE = __name__.partition(".")[0]
PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, type(None))
"""Values that are compared; others are the same if they are the same object."""

_paths = sysconfig.get_paths()
_INSTALLED = tuple({_paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")})

Local = Mapping[str, Any]
"""What is known of the local names of a function: ``self``, default values, arguments."""


@functools.lru_cache(1024)  # many objects have the same code
def chains(code: CodeType, local: bool = False) -> Sequence[tuple[str, ...]]:
    """The names that a piece of code reads or sets, with the attributes that it asks of them.

    Its `local` ones; or all others, and those of functions inside.
    """
    return tuple(_chains(code, local))


def _chains(code: CodeType, local: bool) -> Iterator[tuple[str, ...]]:
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
            yield from _chains(constant, local)


def is_users(file: str | None) -> bool:
    """Whether a file is one of the user's own, not of an installed package."""
    return file is None or not file.startswith(_INSTALLED)


class Slots(Mapping[str, Any]):
    """The attributes of an object that has ``__slots__``."""

    def __init__(self, owner: Any, names: Iterable[str]) -> None:
        self.owner, self.names = owner, tuple(names)

    def __getitem__(self, name: str) -> Any:
        try:
            return object.__getattribute__(self.owner, name)
        except AttributeError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def is_ours(kind: type) -> bool:
    """Whether objects are this library's, or modules: what a step does to them is repeated."""
    return kind.__module__.partition(".")[0] == PACKAGE or hasattr(kind, "named_modules")


def _own(value: Any) -> list[dict[str, Any]]:
    """The attributes of an object, if it has a dict of them; nobody is asked who makes them up."""
    if isinstance(value, type):
        return []
    try:
        return [object.__getattribute__(value, "__dict__")]
    except AttributeError:
        return []


def _class_with(kind: type, name: str) -> Mapping[str, Any]:
    """What there is in a class, or in the first of those it descends from, that has a name."""
    return next((vars(base) for base in kind.__mro__ if name in vars(base)), {})


def homes(value: Any, name: str) -> list[Mapping[str, Any]]:
    """Where an attribute of the user's is looked up: the last one has it.

    It is that of a file, of an object, or a plain value of a class.
    """
    if isinstance(value, ModuleType):
        foreign = value.__name__.partition(".")[0] == PACKAGE
        return [vars(value)] if not foreign and is_users(getattr(value, "__file__", None)) else []
    kind = value if isinstance(value, type) else type(value)
    foreign = kind.__module__ == "builtins" or (value is kind and is_ours(kind))
    if foreign or isinstance(value, Tensor | np.ndarray):
        return []
    own, base = _own(value), _class_with(kind, name)
    if own and name in own[0]:
        return [*own]
    if value is not kind and isinstance(base.get(name), MemberDescriptorType):
        return [Slots(value, (name,))]
    return [*own, base] if name in base and isinstance(base[name], PLAIN) else []


def functions(function: Any) -> Iterator[tuple[FunctionType, Local]]:
    """The Python functions behind something that can be called."""
    local: Local = {}
    if isinstance(function, functools.partial):
        with contextlib.suppress(TypeError, ValueError):
            bound = inspect.signature(function.func).bind_partial(*function.args)
            local = {**bound.arguments, **function.keywords}
        function = function.func
    owner: list[Any] = []
    if isinstance(function, MethodType):
        function, owner = function.__func__, [function.__self__]
    elif not isinstance(function, FunctionType | type) and _wrapped(function) is None:
        owner, kind = [function], type(function)  # an object that can be called
        names = ("forward", "__call__")
        function = next((base[n] for n in names if n in (base := _class_with(kind, n))), None)
    while function is not None:
        if isinstance(function, FunctionType):
            yield (
                function,
                {**dict(zip(function.__code__.co_varnames, owner, strict=False)), **local},
            )
        function = _wrapped(function)


def _wrapped(function: Any) -> Any:
    """What a decorated function was; nobody is asked who makes up attributes."""
    return inspect.getattr_static(function, "__wrapped__", None)


def defaults(function: FunctionType) -> Local:
    """The values that parameters have if nothing else is said."""
    values, code = function.__defaults__ or (), function.__code__
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    return {**dict(zip(names, values, strict=True)), **(function.__kwdefaults__ or {})}


def methods(value: Any, name: str) -> Iterator[tuple[FunctionType, Local]]:
    """The code that an attribute stands for: a method, or what computes a property."""
    kind = value if isinstance(value, type) else type(value)
    if kind.__module__ == "builtins" or isinstance(value, ModuleType):
        return
    found = inspect.getattr_static(kind, name, None)
    if isinstance(found, property):
        found = found.fget
    owner = [] if value is kind else [value]  # (the class has the function itself)
    if isinstance(found, classmethod | staticmethod):
        owner = [kind] if isinstance(found, classmethod) else []
        found = found.__func__
    while found is not None:
        if isinstance(found, FunctionType):
            yield found, dict(zip(found.__code__.co_varnames, owner, strict=False))
        found = _wrapped(found)
