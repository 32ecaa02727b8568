"""Many steps of a program in one call of C: between them nothing returns to Python.

What a step writes, the next one reads. Two arrays take turns for it, and neither is the one from
which the first step starts: that belongs to whoever holds it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ...arrays import Array
from ...tracing.program import Constant, Value
from .buffers import address, in_order
from .step import Function, failure, seen
from .views import View


class Loop:
    """Runs a program many times.

    Parameters
    ----------
    made
        The function that runs it once; the loop shares its memory, and its lock.
    carried
        Of the inputs that a step leaves behind for the next one: as which result.
    rows
        Inputs of which each step has its own: they are given with a leading axis of steps.
    every
        The outputs that are wanted of each step, and not of the last one alone.
    """

    def __init__(
        self, made: Function, carried: Mapping[Value, Value], rows: Collection[Value],
        every: Collection[Value],
    ) -> None:  # fmt: skip
        self.made, self.rows = made, set(rows)
        self.outputs, self.inputs = made.program.outputs(), made.inputs
        self.places, self.views = made.plan.pointers, made.views
        self.written = list(dict.fromkeys(self._base(v) for v in self.outputs))
        self.all = {self._base(v) for v in every}
        self.wanted = [v in set(every) for v in self.outputs]
        self.carried = [
            (self.places[to], self.places[self._base(v)])
            for to, v in carried.items()
            if to in self.places
        ]
        state = {self._base(v) for v in carried.values()}
        self.turns = {v: i for i, v in enumerate(state - self.all, len(self.places) + 1)}
        self.table = np.zeros(len(self.places) + 1 + len(self.turns), np.uintp)
        for value in made.program.inputs:
            if type(value.source) is Constant and value in self.places:
                self.table[self.places[value]] = made.pointers[self.places[value]]

    @staticmethod
    def can_carry(made: Function, carried: Mapping[Value, Value]) -> bool:
        """Whether all of a program is one piece of C that makes new arrays for all its outputs.

        And whether what it leaves behind lies there as the next step reads it.
        """
        inputs, views = set(made.program.inputs), made.views
        return (
            len(made.source.segments) == 1
            and isinstance(made.source.segments[0], str)
            and not any(views[v].base in inputs for v in made.program.outputs())
            and all(
                views[v].whole and (v.shape, v.dtype) == (to.shape, to.dtype)
                for to, v in carried.items()
            )
        )

    def _base(self, value: Value) -> Value:
        return self.views[value].base

    def __call__(
        self, steps: int, given: Sequence[Array], numbers: Sequence[float]
    ) -> tuple[list[Array], list[Array]]:
        """Run so many steps.

        Parameters
        ----------
        steps
            How many.
        given
            The arrays of the inputs.
        numbers
            The Python numbers, of one step (then they are always the same) or one step after the
            other.

        Returns
        -------
        The outputs of the last step; and those that are wanted of each step, as one array.
        """
        with self.made.lock:
            return self._run(steps, given, numbers)

    def _run(
        self, steps: int, given: Sequence[Array], numbers: Sequence[float]
    ) -> tuple[list[Array], list[Array]]:
        table, moved = self.table, list[tuple[int, int]]()
        kept = []  # until the steps are over
        for value, array in zip(self.inputs, given, strict=True):
            if value in self.places:
                place, array = self.places[value], in_order(array)
                kept.append(array)
                table[place] = address(array)
                if value in self.rows:
                    moved.append((place, array.nbytes // len(array)))
        arrays: dict[Value, Array] = {}
        spare: dict[Value, Array] = {}
        for value in self.written:
            place = self.places[value]
            if value in self.all:
                arrays[value] = np.empty((steps, *value.shape), value.dtype)
                table[place] = address(arrays[value])
                moved.append((place, arrays[value].nbytes // steps))
                continue
            arrays[value], table[place] = self.made.rings[value]()
            if value in self.turns:
                spare[value], table[self.turns[value]] = self.made.rings[value]()
        count = len(self.made.numbers)
        told = [len(table), steps, count if len(numbers) > count else 0]
        turns = [(self.places[v], place) for v, place in self.turns.items()]
        for pairs in (self.carried, turns, moved):
            told += [len(pairs), *(x for pair in pairs for x in pair)]
        orders = np.array(told, np.int64)
        table[len(self.places)] = address(orders)
        python = np.array(numbers or [0.0], np.float64)
        places = map(address, (table, self.made.arena, python))
        many, known = self.made.library.many, self.made.known["segment_0"]
        if bad := self.made.team.call(many, *places, known=known, times=steps)():
            raise failure(bad)
        if steps % 2 == 0:
            arrays.update(spare)
        last = [self._last(v, arrays[self._base(v)]) for v in self.outputs]
        whole = [
            _stacked(arrays[self._base(v)], self.views[v])
            for v, wanted in zip(self.outputs, self.wanted, strict=True)
            if wanted
        ]
        return last, whole

    def _last(self, value: Value, array: Array) -> Array:
        view = self.views[value]
        if view.base in self.all:
            array = array[-1].copy()
        if view.whole and view.shape == view.base.shape:
            return array
        return seen(array, view)


def _stacked(array: Array, view: View) -> Array:
    """A view of what each step has made."""
    step = math.prod(view.base.shape)
    shape, strides = (len(array), *view.shape), (step, *view.strides)
    return seen(array, view._replace(shape=shape, strides=strides))
