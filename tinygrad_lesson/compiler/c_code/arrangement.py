"""The arrangement of a program in C: with which ops, in which groups, and where numbers are kept.

It is known without a C compiler: the writer, the costs and the picture of a step begin with it.
"""

from __future__ import annotations

from typing import NamedTuple

from ...tracing.program import Program, Value
from ..passes import simplified
from .exchange import exchanged
from .lowering import lowered
from .memory_plan import Plan, plan_memory
from .schedule import Group, schedule
from .views import View, viewed


class Arrangement(NamedTuple):
    """What there is to write in C.

    Attributes
    ----------
    program
        With the ops that C has code for.
    views
        For each value, where its numbers are.
    groups
        Which equations run together.
    plan
        Where each value is stored.
    """

    program: Program
    views: dict[Value, View]
    groups: list[Group]
    plan: Plan


def arranged(program: Program) -> Arrangement:
    """Arrange a program for C."""
    program, views = viewed(simplified(lowered(exchanged(program))))
    groups = schedule(program, views)
    return Arrangement(program, views, groups, plan_memory(program, groups, views))
