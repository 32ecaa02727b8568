"""The memory plan: where the numbers between groups are kept.

Results that only groups of C code use lie in one arena, in which those that are never needed at the
same time share a place. Everything else (inputs, results of the step, what the array library makes
in between) is an array of its own, of which the code gets the address.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ...tracing.program import Equation, Program, Value
from .schedule import Group
from .views import View

LONG = 4096
"""Elements: longer rows that a later stage needs are kept in the arena."""

ALIGNMENT = 64
"""Bytes: the longest vectors, and lines of the cache."""


class Plan(NamedTuple):
    """Where values are stored.

    Attributes
    ----------
    offsets
        Of those in the arena, in bytes.
    size
        Of the arena, in bytes.
    pointers
        The numbers of the addresses of the others.
    stored
        All results of groups that are stored anywhere.
    """

    offsets: dict[Value, int]
    size: int
    pointers: dict[Value, int]
    stored: set[Value]


def plan_memory(program: Program, groups: list[Group], views: dict[Value, View]) -> Plan:
    """Decide where each value is stored."""
    home = {out: group for group in groups for out in group.outputs()}
    outputs = {views[v].base for v in program.outputs()}
    last: dict[Value, int] = {}
    stored = set(outputs & home.keys())
    for group in groups:
        for equation in group.members:
            for value in equation.values():
                base = views[value].base
                last[base] = group.number
                elsewhere = home.get(base) is not group or group.kind != "rows"
                if elsewhere or _is_long(base, equation, group):
                    stored.add(base)
    stored &= home.keys()
    stored |= {group.members[0].out for group in groups if group.kind == "recurrent"}
    stored -= {out for group in groups for out in group.inner}
    stored |= {out for group in groups if group.between for out in group.outputs()}
    in_arena = [
        out
        for group in groups
        if not group.between
        for out in group.outputs()
        if out in stored and out not in outputs
    ]
    offsets, size = _packed(in_arena, home, last)
    read = {views[v].base for g in groups if not g.between for e in g.members for v in e.values()}
    # In between, a single number is taken as it is: nobody asks where it lies.
    others = [v for v in program.inputs if v in read or v in outputs or (v in last and v.shape)]
    others += [v for group in groups for v in group.outputs() if v in stored and v not in offsets]
    return Plan(offsets, size, {v: i for i, v in enumerate(others)}, stored)


def _is_long(base: Value, equation: Equation, group: Group) -> bool:
    """Whether a later stage needs a row that is too long for the stack of a thread."""
    return (
        base not in group.per_row
        and group.stage[base] != group.stage[equation.out]
        and math.prod(group.shape[group.row_axes :]) > LONG
    )


def _packed(
    values: list[Value], home: dict[Value, Group], last: dict[Value, int]
) -> tuple[dict[Value, int], int]:
    """Places for values, the first that is free while a value is needed."""
    offsets: dict[Value, int] = {}
    size = 0
    busy: list[tuple[int, int, int]] = []  # from, to, and the last group that needs it
    for value in values:
        now = home[value].number
        busy = sorted(place for place in busy if place[2] >= now)
        need = -(-math.prod(value.shape) * value.dtype.itemsize // ALIGNMENT) * ALIGNMENT
        start = 0
        for begin, end, _ in busy:
            if begin - start >= need:
                break
            start = max(start, end)
        offsets[value] = start
        busy.append((start, start + need, last.get(value, now)))
        size = max(size, start + need)
    return offsets, size
