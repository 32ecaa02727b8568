"""How a tape is written: a line for each run, with the places of its operands in a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...arrays import Array
from ...tracing.program import Value
from ..tapes.tape import Run, Tape
from .layout import Line, listed
from .naming import Names
from .notation import Notation, Text, literal, text


class TapeLines:
    """The lines of a tape.

    Parameters
    ----------
    tape
        What to write.
    given
        The code of what it takes.
    target
        What its results are called.
    names, notation
        Of the function that it will stand in.

    Attributes
    ----------
    lines
        For the function.
    constants
        Arrays that they use, by name.
    above
        What has to stand above the function.
    """

    def __init__(
        self, tape: Tape, given: Sequence[str], target: str, names: Names, notation: Notation
    ) -> None:
        self.names, self.notation = names, notation
        self.memory = {dtype: names.new(_called(dtype)) for dtype in tape.sizes}
        self.at = names.new("at")
        self.tables: list[Array] = []
        self.constants: dict[str, Array] = {}
        self.lines = [
            Line(f"# {tape.count:,} equations of single numbers, those of one kind side by side:"),
            Line(f"# {self.at}[0], {self.at}[1] and so on are the places of their operands."),
            *self._given(tape, given),
            *map(self._run, tape),
        ]
        self.lines.append(
            Line(f"{target} = {self._several(tape.dtype, tape.results)}", str(len(tape.results)))
        )
        self.above: list[str] = []
        if self.tables:
            ends = np.cumsum([len(table) for table in self.tables])[:-1]
            table, parts = names.new("places"), names.new("ends")
            self.constants |= {table: np.concatenate(self.tables), parts: ends}
            self.above.append(f"{self.at} = np.split({table}, {parts})")

    def _given(self, tape: Tape, given: Sequence[str]) -> list[Line]:
        """Memory, and in it what the tape starts from."""
        lines = []
        for dtype, name in self.memory.items():
            kind = "" if dtype == "d" else f", {literal(np.dtype(dtype))}"
            lines.append(Line(f"{name} = np.empty({tape.sizes[dtype]}{kind})"))
        for dtype, array in tape.constants.items():
            name = self.names.new("constants")
            self.constants[name] = array
            lines.append(Line(f"{self.memory[dtype]}[:{len(array)}] = {name}"))
        for dtype, first, last, place in tape.given:
            at = f"{self.memory[dtype]}[{place}:{place + last - first}]"
            lines.append(Line(listed(f"{at} = [", [*given[first:last]], "]", "")))
        return lines

    def _run(self, run: Run) -> Line:
        places = iter(run.places)
        inputs = [
            Text(self._numbers(x.dtype.char, next(places)), shape=(run.length,), dtype=x.dtype)
            if type(x) is Value else text(x) for x in run.case.inputs
        ]  # fmt: skip
        written = self.notation.write(run.case.op, inputs, run.case.params)
        memory = self.memory[run.case.out.dtype.char]
        place = f"{run.start}" if run.length == 1 else f"{run.start}:{run.start + run.length}"
        return Line(f"{memory}[{place}] = {written}", str(run.length))

    def _numbers(self, dtype: str, places: Array) -> str:
        """The numbers at places, or the one at all of them."""
        same = (places == places[0]).all()
        return f"{self.memory[dtype]}[{places[0]}]" if same else self._several(dtype, places)

    def _several(self, dtype: str, places: Array) -> str:
        """Neighbours, or numbers at places that stand in the table."""
        if (np.diff(places) == 1).all():
            return f"{self.memory[dtype]}[{places[0]}:{places[0] + len(places)}]"
        self.tables.append(places)
        return f"{self.memory[dtype]}[{self.at}[{len(self.tables) - 1}]]"


def _called(dtype: str) -> str:
    """What the numbers of a dtype are called."""
    return {"d": "numbers", "?": "masks"}.get(dtype, f"{np.dtype(dtype).name}s")
