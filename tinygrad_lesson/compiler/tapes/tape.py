"""Tape: many 0-d equations as a table, in which those of one kind stand side by side.

The numbers lie in one long array for each dtype: first those that are always the same, then those
that are given, then results. A *run* is a number of equations of the same kind of which none needs
another; its results lie side by side, and its operands anywhere before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...arrays import Array
from ...op import Kind
from ...tracing.program import Equation, Value


class Given(NamedTuple):
    """Which of the numbers that are given have a dtype, and where the first of them is put."""

    dtype: str
    first: int
    last: int
    place: int


class Run(NamedTuple):
    """Equations of the kind of `case`: for each operand that is no constant, the places."""

    case: Equation
    start: int
    length: int
    places: list[Array]


class Tape:
    """A table of 0-d equations.

    Attributes
    ----------
    cases
        An equation of each kind; what it reads from the table are its Values, in their order.
    runs
        A row for each run: the number of its case, the place of its first result, its length.
    places
        Where operands lie: for each run those of the first operand, then those of the next.
    sizes
        How many numbers of each dtype there are.
    constants
        For each dtype those that are always the same, from place 0 on.
    takes
        Which of the numbers from outside it was planned for it takes, in order.
    given
        Where what the tape starts from is put, dtype by dtype.
    dtype, results
        What comes out: the dtype, and the places.
    count
        The number of equations.

    (Dtypes are told by their characters.)
    """

    def __init__(
        self, cases: list[Equation], runs: Array, places: Array, sizes: dict[str, int],
        constants: dict[str, Array], takes: list[int], given: list[Given], dtype: str,
        results: Array,
    ) -> None:  # fmt: skip
        self.cases, self.runs, self.places, self.sizes = cases, runs, places, sizes
        self.constants, self.takes, self.given = constants, takes, given
        self.dtype, self.results = dtype, results
        self.count = int(runs[:, 2].sum())

    def __iter__(self) -> Iterator[Run]:
        at = 0
        for case, start, length in self.runs.tolist():
            equation = self.cases[case]
            operands = []
            for _ in equation.values():
                operands.append(self.places[at : at + length])
                at += length
            yield Run(equation, start, length, operands)

    def memory(self) -> dict[str, Array]:
        """Arrays for the numbers, with the constants in place."""
        arrays = {dtype: np.empty(size, dtype) for dtype, size in self.sizes.items()}
        for dtype, constants in self.constants.items():
            arrays[dtype][: len(constants)] = constants
        return arrays

    def take(self, numbers: Sequence[Any], arrays: Mapping[str, Array]) -> None:
        """Put what the tape starts from in place."""
        for dtype, first, last, place in self.given:
            arrays[dtype][place : place + last - first] = numbers[first:last]


def _run(xp: Any, *numbers: Any, tape: Tape) -> Array:
    """Many equations of numbers, of which several are results."""
    arrays = tape.memory()
    tape.take(numbers, arrays)
    for case, start, length, places in tape:
        out = arrays[case.out.dtype.char]
        found = iter(places)
        inputs = [
            arrays[x.dtype.char][next(found)] if type(x) is Value else x for x in case.inputs
        ]  # fmt: skip
        out[start : start + length] = case.op.forward(xp, *inputs, **case.params)
    results: Array = arrays[tape.dtype][tape.results]
    return results


_run.__name__ = "scalar_tape"
SCALAR_TAPE = Kind("tape")(samples=(), register=False)(_run)
"""The op that runs a tape; its parameter is the tape."""
