"""What there is to draw of a compiled step: its kernels, and where their arrays come from and go.

A kernel is a group of the C schedule. If there are too many ops the kernels are closed: a box says
what is in it. If there are too many kernels, equal ones at the end are joined, as the optimizer's
updates of all parameters are; and if that is not enough, those that follow one another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tinygrad_lesson.compiler import Compiled
from tinygrad_lesson.compiler.c_code.arrangement import Arrangement, arranged
from tinygrad_lesson.compiler.c_code.schedule import Group
from tinygrad_lesson.compiler.cost import Kernel, kernel_of
from tinygrad_lesson.compiler.numpy_code.naming import Hints, tidy
from tinygrad_lesson.compiler.operations import ops_of
from tinygrad_lesson.tracing.numbers import Number, Read
from tinygrad_lesson.tracing.program import (
    Argument,
    Constant,
    Drawn,
    Equation,
    Held,
    Program,
    Slot,
    Value,
)

from .collapse import LIMIT, STRETCHES
from .names import given_tensors

OPEN: Final = 60
"""So many ops are drawn one by one, if nothing else is asked for."""

CLOSED: Final = 60
"""So many kernels are drawn one by one."""

MOST: Final = 120
"""So many boxes are drawn for kernels: it takes seconds to lay them out."""


class Block(NamedTuple):
    """What one frame, or one closed box, shows.

    Attributes
    ----------
    first, last
        The numbers of its first and its last kernel.
    costs
        Of its kernels.
    equations
        The ops in it.
    shape
        What its only kernel iterates over.
    """

    first: int
    last: int
    costs: list[Kernel]
    equations: list[Equation]
    shape: tuple[int, ...]

    @property
    def ops(self) -> list[str]:
        """The names of all ops."""
        return [op for cost in self.costs for op in cost.ops]


class Store(NamedTuple):
    """Arrays that come from outside, or go there: those that the same blocks use share a box.

    Attributes
    ----------
    values
        What they are.
    names
        What they are called.
    kind
        ``"state"``, ``"input"``, ``"constant"``, ``"random"`` or ``"result"``.
    """

    values: list[Value]
    names: list[str]
    kind: str


class Layout(NamedTuple):
    """A compiled step, ready to be drawn.

    Attributes
    ----------
    blocks
        In the order in which they run.
    is_open
        Whether the ops in a block are drawn.
    inputs, outputs
        Where arrays come from and go to.
    home
        The block that makes a value.
    arrangement
        Says of what array a value is a view.
    names
        What values are called, if they have a name that helps.
    numbers
        What Python numbers are called.
    notes
        What was joined, in words.
    """

    blocks: list[Block]
    is_open: bool
    inputs: list[Store]
    outputs: list[Store]
    home: dict[Value, int]
    arrangement: Arrangement
    names: dict[Value, str]
    numbers: dict[int, str]
    notes: list[str]

    def base(self, value: Value) -> Value:
        """The array whose numbers a value shows."""
        return self.arrangement.views[value].base

    def called(self, value: Value) -> str:
        """A name, or an empty string."""
        return self.names.get(value) or self.names.get(self.base(value), "")


def laid_out(
    step: Compiled[..., Any], given: Mapping[str, Any] | None, depth: int | None
) -> Layout:
    """Collect what there is to draw of the latest call of a step."""
    program = step.program
    arrangement = arranged(program)
    hints = Hints(program, step.arguments)
    groups = arrangement.groups
    parts = [[group] for group in groups]
    notes = []
    ops = sum(len(ops_of(equation)) for group in groups for equation in group.members)
    is_open = depth != 0 and (depth is not None or ops <= OPEN) and ops <= LIMIT
    if not is_open:
        notes.append(f"{ops:,} ops in {len(groups):,} kernels: each kernel is one box.")
        if len(groups) > CLOSED:
            parts = _equal_ends(arrangement)
            notes = [f"{ops:,} ops in {len(groups):,} kernels; equal ones at the end are one box."]
        if len(parts) > MOST:
            length = -(-len(groups) // STRETCHES)
            parts = [groups[i : i + length] for i in range(0, len(groups), length)]
            notes = [f"{ops:,} ops in {len(groups):,} kernels, {length} of them in each box."]
    blocks = [_block(part, arrangement) for part in parts]
    home = {e.out: place for place, block in enumerate(blocks) for e in block.equations}
    numbers = {s.out: hints.of_number(s) for s in program.host.steps if type(s) is Read}
    inputs, names = _inputs(program, arrangement, blocks, hints, _by_tensor(given))
    outputs, made = _outputs(program, arrangement, home, hints)
    return Layout(blocks, is_open, inputs, outputs, home, arrangement, names | made, numbers, notes)


def _equal_ends(arrangement: Arrangement) -> list[list[Group]]:
    """Kernels that others need, each by itself; the others together where their ops are equal."""
    home = {out: group for group in arrangement.groups for out in group.outputs()}
    needed = set()
    for group in arrangement.groups:
        for equation in group.members:
            for value in equation.values():
                maker = home.get(arrangement.views[value].base)
                if maker is not group:
                    needed.add(maker)
    together: dict[Any, list[Group]] = {}
    for group in arrangement.groups:
        ops = tuple(equation.op.name for equation in group.members)
        together.setdefault(group if group in needed else ops, []).append(group)
    return list(together.values())


def _block(groups: list[Group], arrangement: Arrangement) -> Block:
    return Block(
        groups[0].number,
        groups[-1].number,
        [kernel_of(group, arrangement) for group in groups],
        [equation for group in groups for equation in group.members],
        groups[0].shape,
    )


def _by_tensor(given: Mapping[str, Any] | None) -> dict[int, str]:
    """What the user calls tensors, by their ids."""
    found: dict[int, str] = {}
    for name, tensor in given_tensors(given):
        found.setdefault(id(tensor), name)
    return found


def _inputs(
    program: Program,
    arrangement: Arrangement,
    blocks: list[Block],
    hints: Hints,
    given: dict[int, str],
) -> tuple[list[Store], dict[Value, str]]:
    """Boxes for what no kernel makes; values for which all blocks are the same share one."""
    users: dict[Value, dict[int, None]] = {}
    for place, block in enumerate(blocks):
        for equation in block.equations:
            for value in equation.values():
                users.setdefault(arrangement.views[value].base, {})[place] = None
    passed = {arrangement.views[v].base for v in arrangement.program.outputs()}
    names: dict[Value, str] = {}
    together: dict[Any, Store] = {}
    for value in arrangement.program.inputs:
        if value not in users and value not in passed:
            continue
        tensor = value.source.tensor if type(value.source) is Held else None
        own = "" if type(value.source) is Slot else value.name
        names[value] = given.get(id(tensor), "") or tidy(own or hints.of_input(value))
        kind = _kind(value)
        key = (kind, *users.get(value, {})) if kind != "input" else value
        store = together.setdefault(key, Store([], [], kind))
        store.values.append(value)
        store.names.append(names[value])
    return list(together.values()), names


def _kind(value: Value) -> str:
    kinds = {Argument: "input", Constant: "constant", Drawn: "random"}
    return kinds.get(type(value.source), "state")


def _outputs(
    program: Program, arrangement: Arrangement, home: dict[Value, int], hints: Hints
) -> tuple[list[Store], dict[Value, str]]:
    """Boxes for what a step returns and leaves behind, and names for both."""
    names: dict[Value, str] = {}
    together: dict[Any, Store] = {}
    before = [*program.results, *(write.value for write in program.writes)]
    after = arrangement.program
    values = [*after.results, *(write.value for write in after.writes)]
    for place, (old, new) in enumerate(zip(before, values, strict=True)):
        if type(new) is not Value:
            continue
        result = place < len(program.results)
        name = _name_of_output(old, hints)
        base = arrangement.views[new].base
        if base in home:
            names.setdefault(base, name)
        kind = "result" if result else "state"
        store = together.setdefault((kind, home.get(base, base)), Store([], [], kind))
        if name not in store.names:
            store.values.append(new)
            store.names.append(name)
    return list(together.values()), names


def _name_of_output(value: Value, hints: Hints) -> str:
    equation = hints.made.get(value)
    if equation is None:
        return tidy(value.name or hints.of_input(value))
    return hints.of_result(equation, lambda inner: inner, {})


def number_name(layout: Layout, number: Number) -> str:
    """What a Python number that the step reads is called; a dot for one that it computes."""
    return layout.numbers.get(number.index, "·")
