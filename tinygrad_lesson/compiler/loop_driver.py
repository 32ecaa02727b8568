"""The driver of a loop: many steps of a program in one call of its C code.

Python numbers and random draws of all these steps are made beforehand, in the order in which single
steps would make them. The arrays of the state go round in C; what a step returns and leaves behind
is put in place once, after the last one. So whatever happens in between, the state is that before
all of these steps or that after them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from ..tracing.numbers import Act, Number
from ..tracing.program import (
    Argument,
    Attribute,
    Drawn,
    Gradient,
    Held,
    Lent,
    Program,
    Slot,
    Source,
    Target,
    Value,
    Write,
)
from .c_code.loop import Loop
from .c_code.step import CStep
from .call import Form
from .driver import Checked, Driver, indented

FAILED: Final[Any] = object()
"""What the driver of a loop returns where one of the steps would raise an error."""

MEMORY = 1 << 26
"""Bytes that the draws and the results of all steps of a call may take."""


def loop_driver(
    made: CStep,
    call: Form,
    rebuild: Callable[[Iterator[Any]], Any],
    checked: Checked,
    lock: Any,
    scans: bool,
) -> LoopDriver | None:
    """The driver of a loop, if C can go from one step to the next by itself.

    Parameters
    ----------
    made
        The program in C.
    call, rebuild, checked, lock
        As :class:`Driver` takes them.
    scans
        Whether each step has arguments of its own, and all results are wanted.
    """
    program = made.program
    carried = _carried(program, scans, call.lent)
    if carried is None or not Loop.can_carry(made.made, carried):
        return None
    if any(_is_counter(write) and type(write.target) is not Slot for write in program.writes):
        return None
    read = [v.source for v in program.inputs if type(v.source) is Gradient]
    known = [*read, *(w.target for w in program.writes if type(w.target) is Gradient)]
    if (scans or read) and any(gradient.position is not None for gradient in known):
        return None  # it may be that of a tensor that the step knows otherwise, too
    return LoopDriver(made, carried, call, rebuild, checked, lock, scans)


class LoopDriver(Driver):
    """Runs many steps; see :func:`loop_driver`.

    Attributes
    ----------
    most
        How many steps one call may have, for the sake of memory.
    run
        Takes a number of steps; the arrays of the arguments, one row for each step, if it scans;
        and the tensors among the arguments otherwise. Returns how many steps it has run and what
        the last one returns; if it scans, the results of all, each an array or a list. OTHERWISE
        if the program does not fit, or FAILED: then nothing is done, and single steps show why.
    """

    def __init__(
        self, made: CStep, carried: Mapping[Value, Value], call: Form,
        rebuild: Callable[[Iterator[Any]], Any], checked: Checked, lock: Any, scans: bool,
    ) -> None:  # fmt: skip
        self.scans = scans
        program = made.program
        self._rows = [
            v
            for v in made.inputs
            if type(v.source) is Drawn or (scans and type(v.source) is Argument)
        ]
        self._every = [v for v in program.outputs() if scans and v in _values(program.results)]
        size = sum(math.prod(v.shape) * v.dtype.itemsize for v in (*self._rows, *self._every))
        self.most = max(1, MEMORY // (size + 64))
        function = Loop(made.made, carried, self._rows, self._every)
        super().__init__(
            program, function, made.inputs, made.numbers, call, rebuild, checked, lock, _nothing
        )

    def _build(self) -> None:
        tensors = [f"x{i}" for i in range(len(self.call.lent))]
        if self.scans:
            fetched = [f"a{i} = rows[{i}]" for i in sorted(self._used)]
            fetched += [f"{x} = None" for x in tensors]
            parameters = "steps, rows"
        else:
            fetched = [f"a{i} = x{i}._data" for i in sorted(self._used)]
            parameters = ", ".join(["steps", *tensors])
        self.names |= {"empty": np.empty, "FAILED": FAILED}
        self._write_function("run", parameters, [*fetched, *self._body()])

    def _body(self) -> list[str]:
        program = self.program
        outputs = program.outputs()
        drawn = [v for v in self.inputs if type(v.source) is Drawn]
        given = [
            f"s{v.number}[:done]" if type(v.source) is Drawn
            else f"{self._fetch(v)}[:done]" if v in self._rows else self._fetch(v)
            for v in self.inputs
        ]  # fmt: skip
        place = {v: f"o{i}" for i, v in enumerate(outputs)}
        last = "".join(f"{place[v]}, " for v in outputs)
        every = "".join(f"e{place[v]}, " for v in self._every)
        step = [
            *self._generators(), *self._remembered(),
            *(f"s{v.number} = empty((steps, *{v.shape!r}), {self._bound('k', v.dtype)})"
              for v in drawn),
            *self._table(drawn),
            f"({last}), ({every}) = function(done, ({''.join(f'{x}, ' for x in given)}), numbers)",
        ]  # fmt: skip
        step = ["undo, numbers, told = [], [], []", "try:", *indented(step),
                "except BaseException as error:", "    roll_back(undo)",
                "    if type(error) is Otherwise: return OTHERWISE",
                "    if isinstance(error, Exception): return FAILED", "    raise"]  # fmt: skip
        writes = self._surely(self._writes(place))
        if self.scans:
            columns = [self._column(x, place) for x in program.results]
            results = f"[{', '.join(columns)}]"
        else:
            for i, number in enumerate(self._told()):  # those of the last step that was whole
                writes.append(f"n{number} = told[-1][{i}]")
            results = self._returned(place)
        return [*self._guarded(), *step, *writes, f"return done, {results}"]

    def _table(self, drawn: list[Value]) -> list[str]:
        """Lines that make what is known before C runs: numbers and draws, one step after another.

        Where nothing of it ever changes, once.
        """
        numbers = "".join(f"n{i}, " for i in self.numbers)
        told = "".join(f"n{i}, " for i in self._told())
        row = [
            *self._host(),
            *([f"numbers += ({numbers})"] if numbers else []),
            *self._drawn(),
            *(f"s{v.number}[row] = v{v.number}" for v in drawn),
            *(self._write(*write, {}, set()) for write in self._counters()),
            *([f"told.append(({told}))"] if told else []),
        ]
        steps = "steps" if self._varies() else "1"
        return [
            "done = 0", f"for row in range({steps}):", "    mark = len(undo)", *indented(row),
            f"    done = {'row + 1' if self._varies() else 'steps'}",
            "if done < steps: roll_back(undo[mark:])", "if not done: raise Otherwise",
        ]  # fmt: skip

    def _varies(self) -> bool:
        """Whether anything that Python makes for a step is another in the next one."""
        acts = any(type(step) is Act for step in self.program.host.steps)
        return bool(acts or self._counters() or self._random())

    def _left(self, test: str) -> str:
        return f"if {test}: break"

    def _remembered(self) -> list[str]:
        """Lines that keep what the dicts were in which counters are."""
        targets = [write.target for write in self._counters()]
        names = {self._bound("d", x.holder): None for x in targets if type(x) is Slot}
        return [f"undo.append(({name}, dict({name})))" for name in names]

    def _counters(self) -> list[Write]:
        """What a step leaves behind in Python numbers."""
        return [write for write in self.program.writes if _is_counter(write)]

    def _told(self) -> list[int]:
        """The Python numbers that a step returns."""
        return list(dict.fromkeys(x.index for x in self.program.results if type(x) is Number))

    def _column(self, value: Any, place: dict[Value, str]) -> str:
        """What a result was in all steps."""
        if type(value) is Value:
            return f"e{place[value]}"
        if type(value) is Number:
            at = self._told().index(value.index)
            return f"[x[{at}] for x in told]" if self._varies() else f"[told[0][{at}]] * done"
        return f"[{self._bound('a', value)}] * done"

    def _writes(self, place: dict[Value, str]) -> list[str]:
        fresh = self._fresh()
        return [
            self._write(*write, place, fresh)
            for write in self.program.writes
            if not (_is_counter(write) or (self.scans and type(write.target) is Argument))
        ]


def _nothing(*given: Any) -> None:
    """Single steps say what was wrong."""


def _carried(program: Program, scans: bool, lent: Sequence[bool]) -> dict[Value, Value] | None:
    """The inputs that a step leaves behind for the next one; None if some are not arrays then."""
    found = {}
    for value in program.inputs:
        for target, new in program.writes:
            if value.source is not None and _is_same(value.source, target):
                if type(target) is Argument and (scans or lent[target.position]):
                    continue  # the next step reads what the user has given
                if type(new) is not Value:
                    return None
                if new is not value:
                    found[value] = new
    return found


def _is_same(one: Source | Target, other: Source | Target) -> bool:
    """Whether two places are the same one."""
    if type(one) is Held and type(other) is Held:
        return one.tensor is other.tensor and type(one.tensor) is not Lent
    if type(one) is Argument and type(other) is Argument:
        return one.position == other.position
    if type(one) is Gradient and type(other) is Gradient:
        return one.box is other.box
    if type(one) is Attribute and type(other) is Attribute:
        return one.module is other.module and one.name == other.name
    if type(one) is Slot and type(other) is Slot:
        return one.holder is other.holder and one.key == other.key
    return False


def _values(results: list[Any]) -> set[Value]:
    return {x for x in results if type(x) is Value}


def _is_counter(write: Write) -> bool:
    """Whether a step leaves behind Python numbers that are others in each step."""
    parts = write.value if type(write.value) is tuple else (write.value,)
    return any(type(part) is Number for part in parts)
