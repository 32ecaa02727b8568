"""Modules made of modules."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any, Self, overload

from ..errors import ArgumentError, IndexingError
from .module import Module


class _Numbered(Module):
    """Modules that are attributes named "0", "1", and so on."""

    def _checked(self, module: Any) -> Module:
        if not isinstance(module, Module):
            raise ArgumentError(type(self).__name__, *_no_module(module))
        return module

    def _list(self) -> list[Module]:
        return [part for part in vars(self).values() if isinstance(part, Module)]

    def _hold(self, modules: Iterable[Any]) -> None:
        """Hold exactly these; the names of all follow their places."""
        checked = [self._checked(module) for module in modules]
        for name, _ in list(self.named_children()):
            delattr(self, name)
        for i, module in enumerate(checked):
            setattr(self, str(i), module)

    def _place(self, index: int) -> int:
        length = len(self)
        if not -length <= index < length:
            raise IndexingError(
                type(self).__name__,
                f"index {index} is out of range: there are {length} modules",
                "Count from 0, or from the end with -1.",
            )
        return index % length

    def __len__(self) -> int:
        return len(self._list())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._list())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Module | Self:
        if not isinstance(index, slice):
            return self._list()[self._place(index)]
        part = type(self).__new__(type(self))
        for i, module in enumerate(self._list()[index]):
            vars(part)[str(i)] = module  # which keeps its name: it still belongs to the whole
        return part

    def __setitem__(self, index: int, module: Module) -> None:
        name = [name for name, _ in self.named_children()][self._place(index)]
        setattr(self, name, self._checked(module))

    def __delitem__(self, index: int) -> None:
        place = self._place(index)
        self._hold(module for i, module in enumerate(self._list()) if i != place)

    def append(self, module: Module) -> Self:
        """Add one more at the end."""
        setattr(self, str(len(self)), self._checked(module))
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add more at the end."""
        for module in [self._checked(module) for module in modules]:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add one before the one at `index`."""
        modules = self._list()
        modules.insert(index, module)
        self._hold(modules)
        return self


class Sequential(_Numbered):
    """Modules called one after the other, each with the output of the one before.

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    Sequential(  # 9 parameters
      (0): Linear(2, 3)  # weight (3, 2), bias (3,), 9 parameters
      (1): Tanh()
    )
    """

    def __init__(self, *modules: Module) -> None:
        self.extend(modules)

    def forward(self, x: Any) -> Any:
        """Pass `x` through all of them."""
        for module in self._list():
            x = module(x)
        return x


class ModuleList(_Numbered):
    """Modules in a list, for a `forward` that calls them as it likes.

    A plain list of modules would hide their parameters.

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> layers = nn.ModuleList([nn.Linear(2, 2, bias=False) for _ in range(3)])
    >>> [name for name, _ in layers.named_parameters()]
    ['0.weight', '1.weight', '2.weight']
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        if isinstance(modules, Module) and not isinstance(modules, _Numbered):
            raise ArgumentError(
                type(self).__name__,
                f"a single {type(modules).__name__} is no list",
                "Pass a list of modules: nn.ModuleList([module]).",
            )
        self.extend(modules)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: what to compute is up to the module that holds the list."""
        raise _not_called(self, "for layer in layers: x = layer(x)")


class ModuleDict(Module):
    """Modules by name, for a `forward` that picks one.

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> heads = nn.ModuleDict({"mean": nn.Linear(4, 1), "spread": nn.Linear(4, 1)})
    >>> heads["mean"]
    Linear(4, 1)  # weight (1, 4), bias (1,), 5 parameters
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self.update(modules or {})

    def _dict(self) -> dict[str, Module]:
        return {name: part for name, part in vars(self).items() if isinstance(part, Module)}

    def _check(self, name: Any, module: Any) -> None:
        where = type(self).__name__
        if not isinstance(name, str):
            raise ArgumentError(where, f"the name {name!r} is not a string", f"Use '{name}'.")
        if not name or "." in name or (hasattr(self, name) and name not in self):
            raise ArgumentError(
                where,
                f"a module cannot have the name {name!r}",
                "Take another, without a dot, that is no method's or attribute's.",
            )
        if not isinstance(module, Module):
            raise ArgumentError(where, *_no_module(module))

    def _missing(self, name: object) -> IndexingError:
        return IndexingError(
            type(self).__name__,
            f"there is no module {name!r} among {list(self._dict())}",
            "Use one of these names, or add the module first.",
        )

    def __getitem__(self, name: str) -> Module:
        modules = self._dict()
        if name not in modules:
            raise self._missing(name)
        return modules[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.update({name: module})

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise self._missing(name)
        delattr(self, name)

    def __len__(self) -> int:
        return len(self._dict())

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict())

    def __contains__(self, name: object) -> bool:
        return name in self._dict()

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._dict().keys()

    def values(self) -> ValuesView[Module]:
        """The modules."""
        return self._dict().values()

    def items(self) -> ItemsView[str, Module]:
        """Names and modules."""
        return self._dict().items()

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add several, or replace those of the same names."""
        if not isinstance(modules, Mapping | ModuleDict):
            raise ArgumentError(
                type(self).__name__,
                f"a {type(modules).__name__} has no names",
                'Pass a dict: nn.ModuleDict({"name": module}).',
            )
        for name, module in modules.items():
            self._check(name, module)
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: what to compute is up to the module that holds the dict."""
        raise _not_called(self, 'layers["name"](x)')


def _not_called(container: Module, example: str) -> ArgumentError:
    name = type(container).__name__
    return ArgumentError(name, f"a {name} is not called itself", f"Call its modules: {example}.")


def _no_module(given: Any) -> tuple[str, str]:
    """What is wrong with something that is no module, and the remedy."""
    if isinstance(given, type) and issubclass(given, Module):
        return f"{given.__name__} is a class", f"Make a module of it: {given.__name__}(...)."
    if isinstance(given, list | tuple | Iterator):
        kind = type(given).__name__
        return f"a {kind} is no module", "Pass the modules one by one: Sequential(*modules)."
    if callable(given):
        name = getattr(given, "__name__", type(given).__name__)
        return (
            f"the function {name} is no module",
            "Pass a module such as nn.ReLU(), or write one whose forward calls the function.",
        )
    return f"a {type(given).__name__} is no module", "Pass modules, such as nn.Linear(2, 3)."
