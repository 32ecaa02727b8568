"""The code around a program: lines that fetch what it starts from, and leave what comes of it.

It is straight-line Python, because for a small network most of the time of a step would otherwise
go into asking what kind of thing to fetch.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np

from ..arrays import numpy as kernels
from ..random import default_generator
from ..tensor import Tensor
from ..tracing.environment import same
from ..tracing.numbers import Act, Compute, Decide, Number, Read
from ..tracing.program import (
    COPIED,
    Argument,
    Attribute,
    Constant,
    Drawn,
    Flag,
    Gradient,
    Held,
    Lent,
    Program,
    Slot,
    Target,
    Value,
)
from ..tracing.writing import hold
from .call import Form

OTHERWISE: Final[Any] = object()
"""What a driver returns where the program does not fit after all."""


class StateCode:
    """Writes the lines.

    Parameters
    ----------
    program
        Says where arrays and numbers come from, and where results go.
    inputs, numbers
        The arrays and the Python numbers that its function takes.
    call
        The form of the calls that it fits.

    Attributes
    ----------
    names
        What the lines refer to.
    """

    def __init__(
        self, program: Program, inputs: list[Value], numbers: list[int], call: Form
    ) -> None:
        self.program, self.inputs, self.numbers, self.call = program, inputs, numbers, call
        self.names: dict[str, Any] = {
            "OTHERWISE": OTHERWISE, "Otherwise": Otherwise, "roll_back": roll_back,
            "lift": Tensor.lift, "lifted": _lifted, "hold": hold, "set": _set,
            "array": np.array, "shares": np.may_share_memory,
            "default_generator": default_generator,
        }  # fmt: skip
        self._known: dict[tuple[str, int], str] = {}
        self._acts = any(type(step) is Act for step in program.host.steps)
        self._reversible = self._acts or any(type(v.source) is Drawn for v in program.inputs)

    def _bound(self, kind: str, value: Any) -> str:
        """A name for an object that the code refers to."""
        name = self._known.get((kind, id(value)))
        if name is None:
            name = self._known[kind, id(value)] = f"{kind}_{len(self._known)}"
            self.names[name] = value
        return name

    # ---- Python numbers, and chance ------------------------------------------------------

    def _host(self) -> list[str]:
        """Lines that read and compute Python numbers, and leave where they decide otherwise."""
        lines: list[str] = []
        needed = self.program.numbers(self.numbers)
        for step in self.program.host.steps:
            if type(step) is Read and step.out in needed:
                at = f"[{step.place}]" if step.place is not None else ""
                lines.append(f"n{step.out} = {self._bound('d', step.holder)}[{step.key!r}]{at}")
                lines.append(self._left(f"type(n{step.out}) is not {step.kind.__name__}"))
            elif type(step) is Compute and step.out in needed:
                lines.append(f"n{step.out} = {step.code('n')}")
            elif type(step) is Decide:
                leave = self._left(step.failed("n"))
                if leave not in lines:  # a number never changes
                    lines.append(leave)
            elif type(step) is Act:
                for holder in step.holders:
                    name = self._bound("d", holder)
                    lines.append(f"undo.append(({name}, dict({name})))")
                lines.append(f"{self._bound('f', step.act)}()")
        return lines

    def _left(self, test: str) -> str:
        """A line that leaves if the step would go on otherwise than when it was traced."""
        return f"if {test}: {'raise Otherwise' if self._reversible else 'return OTHERWISE'}"

    def _draws(self) -> list[str]:
        return [*self._generators(), *self._drawn()]

    def _generators(self) -> list[str]:
        """Lines that fetch the generators, and remember where they stand."""
        lines = []
        for name, generator in self._random().values():
            found = self._bound("r", generator) if generator else "default_generator()"
            lines += [f"{name} = {found}", f"undo.append(({name}, {name}.bit_generator.state))"]
        return lines

    def _drawn(self) -> list[str]:
        """Lines that draw, in the order of the step."""
        lines = []
        for value in self.program.inputs:
            source = value.source
            if type(source) is Drawn:
                given = [self._bound("a", x) for x in source.args]
                given += [f"{k}={self._bound('a', x)}" for k, x in source.kwargs.items()]
                name = self._random()[id(source.generator)][0]
                lines.append(f"v{value.number} = {name}.{source.method}({', '.join(given)})")
        return lines

    def _random(self) -> dict[int, tuple[str, Any]]:
        """The generators that are drawn from, and what they are called."""
        sources = [v.source for v in self.program.inputs if type(v.source) is Drawn]
        known = {id(source.generator): source.generator for source in sources}
        return {key: (f"g{i}", generator) for i, (key, generator) in enumerate(known.items())}

    # ---- arrays --------------------------------------------------------------------------

    def _fetch(self, value: Value) -> str:
        source = value.source
        if type(source) is Argument:
            return f"a{source.position}"
        if type(source) is Held:
            return f"{self._bound('t', source.tensor)}._data"
        if type(source) is Gradient:
            return f"{self._box(source)}.grad._data"
        if type(source) is Attribute:
            return f"{self._bound('d', vars(source.module))}[{source.name!r}]._data"
        if type(source) is Slot:
            return f"{self._bound('d', source.holder)}[{source.key!r}]"
        if type(source) is Constant:
            return self._bound("c", source.array)
        return f"v{value.number}"

    def _box(self, gradient: Gradient) -> str:
        if gradient.position is not None:
            return f"x{gradient.position}._node.box"
        return self._bound("x", gradient.box)

    def _own(self, outputs: list[Value], place: dict[Value, str]) -> list[str]:
        """Copies of what might be a view of a user's array, into which the user may write."""
        lent = [
            self._fetch(v)
            for v in self.inputs
            if (type(v.source) is Argument and self._is_lent(v.source.position))
            or (type(v.source) is Held and type(v.source.tensor) is Lent)
        ]
        made_anew = {e.out for e in self.program.equations if _allocates(e.op.name)}
        return [
            f"if shares({place[v]}, {array}): {place[v]} = array({place[v]})"
            for v in outputs
            if v not in made_anew
            for array in lent
        ]

    def _is_lent(self, position: int) -> bool:
        return self.call.lent[position]

    def _writes(self, place: dict[Value, str]) -> list[str]:
        fresh = self._fresh()
        return [self._write(target, value, place, fresh) for target, value in self.program.writes]

    def _write(self, target: Target, value: Any, place: dict[Value, str], fresh: set[Value]) -> str:
        if type(target) is Argument:
            if self._is_lent(target.position):
                return "pass"  # the array itself stays as it is
            return f"hold(x{target.position}, {place[value]})"
        if type(target) is Held:
            return f"hold({self._bound('t', target.tensor)}, {place[value]})"
        if type(target) is Gradient:
            new = f"lift({place[value]})" if value is not None else "None"
            return f"{self._box(target)}.grad = {new}"
        if type(target) is Flag:
            argument = f"x{target.position}"
            tensor = argument if target.tensor is None else self._bound("t", target.tensor)
            return f"set({tensor}, 'requires_grad', {value})"
        if type(target) is Attribute:
            if type(value) is Value:
                kind = self._bound("k", type(vars(target.module)[target.name]))
                attributes = self._bound("d", vars(target.module))
                return f"{attributes}[{target.name!r}] = lifted({kind}, {place[value]})"
            new = self._kept(value, place, fresh)
            return f"set({self._bound('m', target.module)}, {target.name!r}, {new})"
        assert type(target) is Slot
        name = f"{self._bound('d', target.holder)}[{target.key!r}]"
        return f"{name} = {self._kept(value, place, fresh)}"

    def _kept(self, value: Any, place: dict[Value, str], fresh: set[Value]) -> str:
        if type(value) is Value:  # optimizers write into their arrays: nobody else may have it
            return place[value] if value in fresh else f"array({place[value]})"
        if type(value) is Number:
            return f"n{value.index}"
        if type(value) is tuple:
            return f"({''.join(f'{self._kept(x, place, fresh)}, ' for x in value)})"
        return self._bound("a", value)

    def _fresh(self) -> set[Value]:
        """Outputs that are arrays of their own, and go to one place only."""
        program = self.program
        left = (*program.results, *(write.value for write in program.writes))
        out = Counter(value for value in left if type(value) is Value)
        viewed = {
            value
            for equation in program.equations
            if equation.op.kind.name in ("movement", "indexing")
            for value in equation.values()
        }
        return {
            e.out
            for e in program.equations
            if e.op.kind.name == "elementwise"
            and e.out.shape  # NumPy makes a scalar of what has none
            and out[e.out] == 1
            and e.out not in viewed
        }

    def _result(self, value: Any, place: dict[Value, str]) -> str:
        if type(value) is Value:
            return f"lift({place[value]})"
        if type(value) is Number:
            return f"n{value.index}"
        constant = self._bound("a", value)
        return f"{constant}.copy()" if isinstance(value, COPIED) else constant


class Otherwise(Exception):  # noqa: N818  it is no error
    """A decision by a Python number is another than before."""


def roll_back(undo: list[tuple[Any, Any]]) -> None:
    """Put back what dicts held and where generators stood, the latest first."""
    for holder, before in reversed(undo):
        if isinstance(holder, dict):
            holder.clear()
            holder.update(before)
        else:
            holder.bit_generator.state = before


def _allocates(name: str) -> bool:
    """Whether the op of this name is a function of NumPy's that always makes a new array."""
    function = getattr(np, name, None)
    return isinstance(function, np.ufunc) and getattr(kernels, name, None) is function


def _set(holder: Any, name: str, value: Any) -> None:
    """Set an attribute, unless that changes nothing."""
    if not same(getattr(holder, name, OTHERWISE), value):
        setattr(holder, name, value)


def _lifted(kind: type[Tensor], array: Any) -> Tensor:
    tensor = object.__new__(kind)
    tensor._data, tensor._node = array, None
    return tensor
