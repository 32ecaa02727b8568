"""Modules that a step runs or changes: their attributes decide what it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .environment import same
from .program import Guard


class _Seen:
    """A module as it was before the step, and what the step set before it ran the module."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.before = dict(vars(module))
        self.entered = False
        self.set_first: set[str] = set()


class Modules:
    """The modules that take part in a step."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}

    def _of(self, module: Any) -> _Seen:
        if id(module) not in self._seen:
            self._seen[id(module)] = _Seen(module)
        return self._seen[id(module)]

    def entering(self, module: Any) -> list[Any]:
        """A module is about to run; returns those that were not known to, it and all below."""
        new, stack = [], [module]
        while stack:
            seen = self._of(stack.pop())
            if not seen.entered:
                seen.entered = True
                new.append(seen.module)
                parts = vars(seen.module).values()
                stack += [part for part in parts if hasattr(type(part), "named_modules")]
        return new

    def setting(self, module: Any, name: str) -> None:
        """An attribute is about to be set."""
        seen = self._of(module)
        if not seen.entered:
            seen.set_first.add(name)

    def changed(self) -> Iterator[tuple[Any, str, Any, Any, bool]]:
        """Of each attribute that the step set: the module, its name, what it was and what it is.

        The last one tells whether the step may have been guided by what it was.
        """
        for seen in self._seen.values():
            for name, value in list(vars(seen.module).items()):
                old = seen.before.get(name)
                if value is not old or name in seen.set_first:
                    yield seen.module, name, old, value, name not in seen.set_first

    def undo(self) -> None:
        """All attributes are as before."""
        for seen in self._seen.values():
            now = vars(seen.module)
            now.clear()
            now.update(seen.before)

    def guards(self, written: set[tuple[int, str]]) -> list[Guard]:
        """What must still be so in the next step.

        Parameters
        ----------
        written
            The id of the module and the name, for attributes that are read anew.
        """
        return [
            _guard(seen, seen.set_first | {name for i, name in written if i == id(seen.module)})
            for seen in self._seen.values()
            if seen.entered
        ]


def _guard(seen: _Seen, free: set[str]) -> Guard:
    """That all attributes are as before, but for those that are `free`."""
    module = seen.module
    training = None if "training" in free else module.training
    free = free | {"training"}
    before = {name: value for name, value in seen.before.items() if name not in free}

    def holds() -> bool:
        now = vars(module)
        return (
            (training is None or module.training == training)
            and now.keys() - free == before.keys()
            and all(value is now[name] or same(value, now[name]) for name, value in before.items())
        )

    return Guard(holds, f"an attribute of {type(module).__name__}")
