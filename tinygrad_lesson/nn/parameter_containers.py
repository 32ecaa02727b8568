"""Parameters in lists and dicts, for modules that have several of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from ..errors import ArgumentError, IndexingError
from .module import Module
from .parameter import Parameter


def _parameter(value: Any) -> Parameter:
    return value if isinstance(value, Parameter) else Parameter(value)


class ParameterList(Module):
    """Parameters in a list, saved as "0", "1" and so on; other tensors become parameters.

    A plain list would hide them.

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> scales = nn.ParameterList([[1.0], [2.0, 3.0]])
    >>> [(name, p.shape) for name, p in scales.named_parameters()]
    [('0', (1,)), ('1', (2,))]
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self.extend(values)

    def _list(self) -> list[Parameter]:
        return [value for value in vars(self).values() if isinstance(value, Parameter)]

    def _place(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexingError(
                type(self).__name__,
                f"index {index} is out of range: there are {len(self)} parameters",
                "Count from 0, or from the end with -1.",
            )
        return index % len(self)

    def __len__(self) -> int:
        return len(self._list())

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._list())

    def __getitem__(self, index: int) -> Parameter:
        return self._list()[self._place(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, str(self._place(index)), _parameter(value))

    def append(self, value: Any) -> Self:
        """Add one at the end."""
        setattr(self, str(len(self)), _parameter(value))
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add more at the end."""
        for value in values:
            self.append(value)
        return self


class ParameterDict(Module):
    """Parameters by name; other tensors become parameters.

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> weights = nn.ParameterDict({"left": [1.0], "right": [2.0]})
    >>> list(weights.state_dict())
    ['left', 'right']
    """

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.update(values or {})

    def _dict(self) -> dict[str, Parameter]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Parameter)}

    def _check(self, name: str) -> None:
        if name not in self:
            raise IndexingError(
                type(self).__name__,
                f"there is no parameter {name!r} among {list(self)}",
                "Use one of these names, or add the parameter first.",
            )

    def __getitem__(self, name: str) -> Parameter:
        self._check(name)
        return self._dict()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.register_parameter(name, _parameter(value))

    def __delitem__(self, name: str) -> None:
        self._check(name)
        delattr(self, name)

    def __len__(self) -> int:
        return len(self._dict())

    def __iter__(self) -> Iterator[str]:
        return iter(self._dict())

    def __contains__(self, name: object) -> bool:
        return name in self._dict()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._dict().keys()

    def values(self) -> Iterable[Parameter]:
        """The parameters."""
        return self._dict().values()

    def items(self) -> Iterable[tuple[str, Parameter]]:
        """Names and parameters."""
        return self._dict().items()

    def update(self, values: Mapping[str, Any]) -> None:
        """Add several, or replace those of the same names."""
        if not isinstance(values, Mapping | ParameterDict):
            raise ArgumentError(
                type(self).__name__,
                f"a {type(values).__name__} has no names",
                'Pass a dict: nn.ParameterDict({"name": tensor}).',
            )
        for name, value in values.items():
            self[name] = value
