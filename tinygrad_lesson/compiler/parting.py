"""Parting: a function and its way back become two programs, and what the second needs of the first.

The two are simplified as one. What the results and the state need belongs to the function; the rest
is the way back. Between them lie the residuals: in NumPy all values that the way back computes
with; in C, where elementwise ops cost next to nothing beside the reading and writing of arrays, the
way back does those again.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..tracing.numbers import HostProgram
from ..tracing.program import Argument, Constant, Cotangent, Equation, Program, Value
from ..tracing.pullback import Pullback
from .passes import simplified

AGAIN = ("elementwise", "movement")
"""Kinds of ops that are done again on the way back."""


def parted(
    program: Program, pullback: Pullback, do_again: bool
) -> tuple[Program, list[Value], Program]:
    """Make two programs of a function and its way back.

    Parameters
    ----------
    program, pullback
        The function and the way back, as they were traced.
    do_again
        Whether elementwise ops are done again.

    Returns
    -------
    The function, whose further results are the residuals; these; and the way back, whose arguments
    are the residuals and then the cotangents.
    """
    cotangents = pullback.cotangents
    for place, value in enumerate(cotangents):
        value.source = Cotangent(place)
    whole = simplified(
        Program(
            [*program.inputs, *pullback.inputs, *cotangents],
            [*program.equations, *pullback.equations],
            [*program.results, *pullback.gradients],
            program.writes, program.host, program.guards,
        )
    )  # fmt: skip
    count = len(program.results)
    results, gradients = whole.results[:count], whole.results[count:]
    ends = {x for x in (*results, *(w.value for w in whole.writes)) if type(x) is Value}
    there, back = _needed(whole.equations, ends)
    wanted = {x for equation in back for x in equation.values()} | set(gradients)
    if do_again:
        back = [*_done_again(there, wanted, ends), *back]
    made = {equation.out for equation in back}
    constants = [v for v in whole.inputs if type(v.source) is Constant and v in wanted]
    given = {*made, *constants, *cotangents}
    values = (*whole.inputs, *(equation.out for equation in there))
    residuals = [v for v in values if v in wanted and v not in given]
    function = Program(
        [v for v in whole.inputs if v not in cotangents], there, [*results, *residuals],
        whole.writes, whole.host, whole.guards,
    )  # fmt: skip
    arguments = {
        v: Value(v.number, v.shape, v.dtype, Argument(place), v.name)
        for place, v in enumerate((*residuals, *cotangents))
    }
    way_back = Program(
        [*arguments.values(), *constants],
        [e._replace(inputs=tuple(arguments.get(x, x) for x in e.inputs)) for e in back],
        [arguments.get(v, v) for v in gradients], [], HostProgram(), [],
    )  # fmt: skip
    return function.with_equations(there, {}), residuals, way_back


def _needed(
    equations: Sequence[Equation], ends: set[Value]
) -> tuple[list[Equation], list[Equation]]:
    """The equations that lead to `ends`, and the others."""
    needed = set(ends)
    leading, others = [], []
    for equation in reversed(equations):
        if equation.out in needed:
            leading.append(equation)
            needed.update(equation.values())
        else:
            others.append(equation)
    return leading[::-1], others[::-1]


def _done_again(
    equations: Sequence[Equation], wanted: set[Value], there: set[Value]
) -> list[Equation]:
    """The equations to do again, so that what is `wanted` (and grows) need not all be kept."""
    found = []
    for equation in reversed(equations):
        cheap = equation.op.kind.name in AGAIN
        if cheap and equation.out in wanted and equation.out not in there:
            found.append(equation)
            wanted.update(equation.values())
    return found[::-1]
