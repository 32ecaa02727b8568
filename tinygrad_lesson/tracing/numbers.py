"""Python numbers that may be others in the next step: learning rates, momenta, counters.

While a step is traced, settings and counters are such a :class:`Number`. What is computed from
them is put down as a host program: straight-line Python that runs before the arrays of a step, in
float64 as ever. Where the step decides by one (``if decay:``), the decision becomes a guard: it is
taken again before each run, and a step that decides otherwise is traced anew.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Read(NamedTuple):
    """``holder[key]``, or of a tuple there the number at `place`, becomes number `out`.

    It is of the type `kind`; a step in which it is of another is traced anew.
    """

    out: int
    holder: dict[str, Any]
    key: str
    place: int | None
    kind: type


class Compute(NamedTuple):
    """A Python operator on numbers; `operands` are Numbers or Python's own."""

    out: int
    symbol: str
    operands: tuple[Any, ...]

    def code(self, prefix: str) -> str:
        """Python code of it, in which numbers are called by `prefix` and their index."""
        first, *second = (
            f"{prefix}{x.index}" if type(x) is Number else repr(x) for x in self.operands
        )
        if second:
            return f"{first} {self.symbol} {second[0]}"
        return f"abs({first})" if self.symbol == "abs" else f"-{first}"


class Decide(NamedTuple):
    """A guard: the number is `value`, or (`truth`) is true or false as `value` says."""

    number: int
    value: Any
    truth: bool

    def failed(self, prefix: str) -> str:
        """Python code of whether the number is another one, or is true where it was false."""
        number = f"{prefix}{self.number}"
        if not self.truth:
            return f"{number} != {self.value!r}"
        return f"not {number}" if self.value else number


class Act(NamedTuple):
    """Python code that changes numbers in `holders`, and nothing else."""

    act: Callable[[], None]
    holders: tuple[dict[str, Any], ...]


HostStep = Read | Compute | Decide | Act


class HostProgram:
    """What is done with Python numbers in a step, in order."""

    def __init__(self) -> None:
        self.steps: list[HostStep] = []
        self.count = 0

    def read(self, holder: dict[str, Any], key: str, place: int | None = None) -> Number:
        """A number in a dict, or in a tuple in a dict."""
        value = holder[key] if place is None else holder[key][place]
        number = self._number(value)
        self.steps.append(Read(number.index, holder, key, place, type(value)))
        return number

    def compute(self, symbol: str, operands: Sequence[Any]) -> Number:
        """The result of an operator."""
        values = [getattr(x, "value", x) for x in operands]
        number = self._number(OPERATORS[symbol](*values))
        self.steps.append(Compute(number.index, symbol, tuple(operands)))
        return number

    def decide(self, number: Number, value: Any, truth: bool) -> None:
        """The step goes on as it does because of this value."""
        self.steps.append(Decide(number.index, value, truth))

    def act(self, act: Callable[[], None], holders: Sequence[dict[str, Any]]) -> None:
        """Code that changes numbers."""
        act()
        self.steps.append(Act(act, tuple(holders)))

    def _number(self, value: Any) -> Number:
        self.count += 1
        return Number(self, self.count - 1, value)


class Number:
    """A Python number of a step that is being traced."""

    __slots__ = ("host", "index", "value")

    def __init__(self, host: HostProgram, index: int, value: Any) -> None:
        self.host, self.index, self.value = host, index, value

    def fixed(self) -> Any:
        """Its value, on which the step depends from now on."""
        self.host.decide(self, self.value, truth=False)
        return self.value

    def __bool__(self) -> bool:
        self.host.decide(self, bool(self.value), truth=True)
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.fixed())

    def __int__(self) -> int:
        return int(self.fixed())

    def __index__(self) -> int:
        return operator.index(self.fixed())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.fixed(), digits)

    def __format__(self, how: str) -> str:
        return format(self.fixed(), how)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<number {self.value}>"


OPERATORS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne, "neg": operator.neg, "abs": operator.abs,
}  # fmt: skip

_METHODS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "truediv",
    "//": "floordiv",
    "%": "mod",
    "**": "pow",
}
_COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}


def _method(symbol: str, swapped: bool) -> Callable[..., Any]:
    def call(self: Number, *others: Any) -> Any:
        if not all(isinstance(x, Number | int | float) for x in others):
            return NotImplemented  # arrays take it from here
        return self.host.compute(symbol, (*others, self) if swapped else (self, *others))

    return call


for _symbol, _name in _METHODS.items():
    setattr(Number, f"__{_name}__", _method(_symbol, swapped=False))
    setattr(Number, f"__r{_name}__", _method(_symbol, swapped=True))
for _symbol, _name in {**_COMPARISONS, "neg": "neg", "abs": "abs"}.items():
    setattr(Number, f"__{_name}__", _method(_symbol, swapped=False))
