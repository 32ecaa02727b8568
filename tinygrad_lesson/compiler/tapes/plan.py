"""The plan of a tape: in which order equations run, and where their results are kept.

An equation runs as soon as it can, and of those that run at the same time the ones of one kind make
a run: there are few runs then, and long ones. (As late as it can would take less memory, in three
times as many runs.) The results of a run are kept side by side, in the order of its first operands,
so that a run may find its operands in order. What is no longer needed makes room for others.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import pairwise
from typing import Any

import numpy as np

from ...arrays import Array
from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Program, Value
from .tape import Given, Tape

BY_PLACE = frozenset({
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "equal", "not_equal", "less",
    "less_equal", "greater", "greater_equal", "where", "floor_divide", "remainder",
})  # fmt: skip
"""Ops that find Python numbers in the table as well; to others they are a part of their kind."""


def planned(program: Program, given: Sequence[Any]) -> Tape:
    """The tape of a program of 0-d equations with results of one dtype.

    Parameters
    ----------
    program
        Its equations can all be written as C.
    given
        The Values and Numbers that it starts from.
    """
    return _Planner(program, given).tape()


def dtype_of_number(x: Any, equation: Equation) -> str:
    """The dtype in which NumPy uses a Python number beside the arrays of an equation."""
    if equation.out.dtype.kind != "b":
        return equation.out.dtype.char
    dtype = equation.values()[0].dtype  # a comparison is made in the type of its arrays
    number = getattr(x, "value", x)
    return "d" if dtype.kind != "f" and isinstance(number, float) else dtype.char


class _Planner:
    def __init__(self, program: Program, given: Sequence[Any]) -> None:
        self.equations, self.results = program.equations, program.results
        self.given = {_key(x): number for number, x in enumerate(given)}
        self.constants: dict[str, list[Any]] = {}
        self.known: dict[Any, int] = {}  # constants, by dtype and bytes
        self.asked: dict[tuple[Any, str], int] = {}  # what is given, in the dtypes that are needed
        self.fixed: list[int] = []  # the places of what is no result; -1 until that is known
        self.cases: list[Equation] = []
        self.kinds: dict[Any, int] = {}
        self.made: dict[Value, int] = {}
        self.case: list[int] = []
        self.operands: list[tuple[int, ...]] = []  # results by number; ~i is number i of `fixed`

    def tape(self) -> Tape:
        for number, equation in enumerate(self.equations):
            self._enter(equation)
            self.made[equation.out] = number
        results = [self._place_of(value) for value in self.results]
        order, bounds = self._runs()
        return self._laid_out(order, bounds, results)

    # ---- what there is -------------------------------------------------------------------

    def _enter(self, equation: Equation) -> None:
        """Note the kind of an equation, and what it reads."""
        operands: list[int] = []
        kinds: list[Any] = []
        by_place = equation.op.name in BY_PLACE
        for x in equation.inputs:
            if type(x) is Value:
                number = self.made.get(x)
                operands.append(self._place_of(x) if number is None else number)
                kinds.append(x.dtype.char)
            elif type(x) is Number or by_place:
                dtype = dtype_of_number(x, equation)
                operands.append(self._number(x, dtype))
                kinds.append(dtype)
            else:
                kinds.append((type(x), repr(x)))
        params = repr(sorted(equation.params.items())) if equation.params else ""
        key = (equation.op.name, equation.out.dtype.char, *kinds, params)
        case = self.kinds.get(key)
        if case is None:
            case = self.kinds[key] = len(self.cases)
            self.cases.append(_example(equation, kinds))
        self.case.append(case)
        self.operands.append(tuple(operands))

    def _place_of(self, value: Value) -> int:
        """The operand that a value is, which no equation or an earlier one makes."""
        if value in self.made:
            return self.made[value]
        if type(value.source) is Constant:
            return self._constant(value.source.array, value.dtype.char)
        return self._asked(value, value.dtype.char)

    def _number(self, x: Any, dtype: str) -> int:
        if type(x) is Number:
            return self._asked(x, dtype)
        return self._constant(x, dtype)

    def _constant(self, x: Any, dtype: str) -> int:
        with np.errstate(over="ignore"):
            array = np.asarray(x, dtype)
        key = dtype, array.tobytes()
        if key not in self.known:
            held = self.constants.setdefault(dtype, [])
            self.known[key] = len(self.fixed)
            self.fixed.append(len(held))
            held.append(array)
        return ~self.known[key]

    def _asked(self, x: Any, dtype: str) -> int:
        key = _key(x), dtype
        if key not in self.asked:
            self.asked[key] = len(self.fixed)
            self.fixed.append(-1)
        return ~self.asked[key]

    # ---- the order -----------------------------------------------------------------------

    def _runs(self) -> tuple[Array, Array]:
        """The equations in order, and where in it a run begins."""
        depths: list[int] = []
        for operands in self.operands:
            depths.append(max([depths[x] + 1 for x in operands if x >= 0], default=0))
        depth, case = np.array(depths), np.array(self.case)
        order = np.lexsort((case, depth))
        depth, case = depth[order], case[order]
        new = np.flatnonzero((depth[1:] != depth[:-1]) | (case[1:] != case[:-1])) + 1
        return order, np.concatenate([[0], new, [len(order)]])

    # ---- the places ----------------------------------------------------------------------

    def _laid_out(self, order: Array, bounds: Array, results: list[int]) -> Tape:
        count, cases = len(order), np.array(self.case)
        memory = {dtype: _Memory(len(held)) for dtype, held in self.constants.items()}
        takes, given = self._put_given(memory)
        widths = np.array([len(x) for x in self.operands])
        starts = np.concatenate([[0], np.cumsum(widths)])
        flat = np.fromiter((x for row in self.operands for x in row), np.int64, starts[-1])
        flat = np.where(flat < 0, count + ~flat, flat)
        wanted = np.array([count + ~x if x < 0 else x for x in results])
        place = np.concatenate([np.empty(count, np.int64), np.array(self.fixed, np.int64)])
        last = self._last_uses(order, bounds, widths, flat, wanted)
        runs, places = [], []
        for run, (begin, end) in enumerate(pairwise(bounds.tolist())):
            members = order[begin:end]
            case, width = cases[members[0]], widths[members[0]]
            operands = place[flat[starts[members][:, None] + np.arange(width)]]
            rows = np.lexsort(operands.T[::-1])
            dtype = self.cases[case].out.dtype.char
            start = memory.setdefault(dtype, _Memory(0)).take(run, end - begin, last[run])
            place[members[rows]] = np.arange(start, start + end - begin)
            runs.append((case, start, end - begin))
            places.append(operands[rows].T.ravel())
        return Tape(
            self.cases, np.array(runs), np.concatenate(places),
            {dtype: held.size for dtype, held in memory.items()},
            {dtype: np.array(held, dtype) for dtype, held in self.constants.items()},
            takes, given, self.results[0].dtype.char, place[wanted],
        )  # fmt: skip

    def _last_uses(
        self, order: Array, bounds: Array, widths: Array, flat: Array, wanted: Array
    ) -> list[int]:
        """For each run the last one that needs a result of it; results are needed in the end."""
        runs, count = len(bounds) - 1, len(order)
        run_of = np.empty(count, np.int64)
        run_of[order] = np.repeat(np.arange(runs), np.diff(bounds))
        last = np.arange(runs)
        made = flat < count
        np.maximum.at(last, run_of[flat[made]], np.repeat(run_of, widths)[made])
        last[run_of[wanted[wanted < count]]] = runs
        found: list[int] = last.tolist()
        return found

    def _put_given(self, memory: dict[str, _Memory]) -> tuple[list[int], list[Given]]:
        """Find places for what is given, dtype by dtype."""
        takes: list[int] = []
        found: list[Given] = []
        for dtype in dict.fromkeys(dtype for _, dtype in self.asked):
            first, held = len(takes), memory.setdefault(dtype, _Memory(0))
            start = held.size
            for (key, kind), fixed in self.asked.items():
                if kind == dtype:
                    self.fixed[fixed] = held.size
                    held.size += 1
                    takes.append(self.given[key])
            found.append(Given(dtype, first, len(takes), start))
        return takes, found


class _Memory:
    """Places in a row, of which some are free again.

    Attributes
    ----------
    size
        How many there are so far.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free: list[tuple[int, int]] = []  # from, to; in order
        self._dying: list[tuple[int, int, int]] = []  # a heap: the last use, from, to

    def take(self, now: int, count: int, last: int) -> int:
        """The first of `count` places that are free at the time `now`, and taken until `last`."""
        while self._dying and self._dying[0][0] < now:
            self._release(*heappop(self._dying)[1:])
        for at, (start, end) in enumerate(self._free):
            if end - start >= count:
                self._free[at : at + 1] = [(start + count, end)] if end - start > count else []
                break
        else:
            start = self.size
            if self._free and self._free[-1][1] == self.size:
                start = self._free.pop()[0]
            self.size = start + count
        heappush(self._dying, (last, start, start + count))
        return start

    def _release(self, start: int, end: int) -> None:
        """Let places be free; neighbours become one."""
        at = bisect(self._free, (start, end))
        if at < len(self._free) and self._free[at][0] == end:
            end = self._free.pop(at)[1]
        if at and self._free[at - 1][1] == start:
            at -= 1
            start = self._free.pop(at)[0]
        self._free.insert(at, (start, end))


def _key(x: Any) -> Any:
    """What tells given things apart; ``==`` of Numbers would be a part of the step."""
    return x if type(x) is Value else ("number", x.index)


def _example(equation: Equation, kinds: Sequence[Any]) -> Equation:
    """An equation that stands for all of its kind: what they read from the table are Values."""
    inputs = tuple(
        Value(place, (), np.dtype(kind)) if type(kind) is str else x
        for place, (x, kind) in enumerate(zip(equation.inputs, kinds, strict=True))
    )
    out = Value(len(inputs), (), equation.out.dtype)
    return Equation(out, equation.op, inputs, equation.params)
