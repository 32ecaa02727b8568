"""The driver: gathers what a program starts from, runs it, and puts in place what it leaves behind.

It is written as straight-line Python, too, because for a small network most of the time of a step
would otherwise go into asking what kind of thing to fetch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ..graph import Leaf
from ..random import default_generator
from ..tensor import Tensor
from ..tracing.numbers import OPERATORS, Act, Compute, Decide, Number, Read
from ..tracing.program import Argument, Constant, Drawn, Gradient, Held, Kept, Program, Value
from ..tracing.trace import hold

OTHERWISE: Final[Any] = object()
"""What a driver returns where a decision by a Python number is another than before."""

Driver = Callable[[list[Tensor]], Any]


def driver_of(
    program: Program, function: Callable[..., Any], inputs: list[Value], numbers: list[int]
) -> Driver:
    """A function of the tensors among the arguments that runs `program`.

    Parameters
    ----------
    program
        Says where arrays and numbers come from, and where results go.
    function
        Takes the arrays of `inputs`, then the Python `numbers`; returns the program's outputs.
    """
    return _Driver(program, inputs, numbers).compiled(function)


class _Driver:
    def __init__(self, program: Program, inputs: list[Value], numbers: list[int]) -> None:
        self.program, self.inputs, self.numbers = program, inputs, numbers
        self.names: dict[str, Any] = {
            "OTHERWISE": OTHERWISE, "Leaf": Leaf, "lift": Tensor.lift, "hold": hold,
            "array": np.array, "default_generator": default_generator, "roll_back": roll_back,
            "Otherwise": Otherwise,
        }  # fmt: skip
        acts = any(type(step) is Act for step in program.host.steps)
        self.reversible = acts or any(type(v.source) is Drawn for v in program.inputs)

    def compiled(self, function: Callable[..., Any]) -> Driver:
        self.names["function"] = function
        given = [self._fetch(v) for v in self.inputs] + [f"n{i}" for i in self.numbers]
        outputs = self.program.outputs()
        place = {value: f"o{i}" for i, value in enumerate(outputs)}
        names = "".join(f"{place[v]}, " for v in outputs)
        call = f"{names}= function({', '.join(given)})" if outputs else "function()"
        body = [*self._host(), *self._draws(), call]
        if self.reversible:
            body = ["undo = []", "try:", *_indented(body), "except BaseException as error:",
                    "    roll_back(undo)", "    if type(error) is Otherwise: return OTHERWISE",
                    "    raise"]  # fmt: skip
        writes = self._writes(place)
        if writes:  # an interruption leaves the state after the step
            body += ["try:", *_indented(writes), "except BaseException:",
                     *_indented([*writes, "raise"])]  # fmt: skip
        body.append(f"return [{', '.join(self._result(x, place) for x in self.program.results)}]")
        code = "def run(arguments):\n" + "\n".join(_indented(body))
        exec(compile(code, "<driver of a compiled step>", "exec"), self.names)
        run: Driver = self.names["run"]
        return run

    def _bound(self, kind: str, value: Any) -> str:
        """A name for an object that the code refers to."""
        name = f"{kind}{id(value)}"
        self.names[name] = value
        return name

    # ---- Python numbers, and chance ------------------------------------------------------

    def _host(self) -> list[str]:
        lines = []
        for step in self.program.host.steps:
            if type(step) is Read:
                at = f"[{step.place}]" if step.place is not None else ""
                lines.append(f"n{step.out} = {self._bound('d', step.holder)}[{step.key!r}]{at}")
            elif type(step) is Compute:
                lines.append(f"n{step.out} = {_operation(step)}")
            elif type(step) is Decide:
                test = f"bool(n{step.number})" if step.truth else f"n{step.number}"
                leave = "raise Otherwise" if self.reversible else "return OTHERWISE"
                lines.append(f"if {test} != {step.value!r}: {leave}")
            elif type(step) is Act:
                for holder in step.holders:
                    name = self._bound("d", holder)
                    lines.append(f"undo.append(({name}, dict({name})))")
                lines.append(f"{self._bound('f', step.act)}()")
        return lines

    def _draws(self) -> list[str]:
        lines = []
        known: dict[int, str] = {}
        for value in self.program.inputs:
            source = value.source
            if type(source) is not Drawn:
                continue
            if id(source.generator) not in known:
                name = known[id(source.generator)] = f"g{len(known)}"
                found = self._bound("r", source.generator)
                lines.append(f"{name} = {found if source.generator else 'default_generator()'}")
                lines.append(f"undo.append(({name}, {name}.bit_generator.state))")
            given = [self._bound("a", x) for x in source.args]
            given += [f"{k}={self._bound('a', x)}" for k, x in source.kwargs.items()]
            drawn = f"{known[id(source.generator)]}.{source.method}({', '.join(given)})"
            lines.append(f"v{value.number} = {drawn}")
        return lines

    # ---- arrays --------------------------------------------------------------------------

    def _fetch(self, value: Value) -> str:
        source = value.source
        if type(source) is Argument:
            return f"arguments[{source.position}]._data"
        if type(source) is Held:
            return f"{self._bound('t', source.tensor)}._data"
        if type(source) is Gradient:
            return f"{self._bound('x', source.box)}.grad._data"
        if type(source) is Kept:
            return f"{self._bound('d', source.holder)}[{source.key!r}]"
        if type(source) is Constant:
            return self._bound("c", source.array)
        return f"v{value.number}"

    def _writes(self, place: dict[Value, str]) -> list[str]:
        lines = []
        fresh = self._fresh()
        for target, value in self.program.writes:
            if isinstance(target, Argument):
                lines.append(f"hold(arguments[{target.position}], {place[value]})")
            elif isinstance(target, Held):
                lines.append(f"hold({self._bound('t', target.tensor)}, {place[value]})")
            elif isinstance(target, Gradient):
                new = f"lift({place[value]})" if value is not None else "None"
                lines.append(f"{self._bound('x', target.box)}.grad = {new}")
            else:
                name = f"{self._bound('d', target.holder)}[{target.key!r}]"
                lines.append(f"{name} = {self._kept(value, place, fresh)}")
        return lines

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
        out = Counter([*program.results, *(write.value for write in program.writes)])
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
        return f"n{value.index}" if type(value) is Number else self._bound("a", value)


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


def _operation(step: Compute) -> str:
    operands = [f"n{x.index}" if type(x) is Number else repr(x) for x in step.operands]
    if step.symbol == "neg":
        return f"-{operands[0]}"
    if step.symbol == "abs":
        return f"abs({operands[0]})"
    assert step.symbol in OPERATORS
    return f"{operands[0]} {step.symbol} {operands[1]}"


def _indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
