"""Which 0-d equations go onto a tape, and the equations that take their place in the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..op import REGISTRY
from ..tracing.numbers import Number
from ..tracing.program import Equation, Program, Value
from .c_code.operators import can_write
from .passes import simplified
from .passes.folding import FILLS
from .passes.identities import SAME_IF_SAME_TYPE
from .tapes import kept
from .tapes.plan import BY_PLACE, planned
from .tapes.tape import SCALAR_TAPE, Tape

MANY = 500
"""So many equations are worth a tape; fewer are written out."""

KINDS = ("elementwise", "movement")
"""Of ops that may stand on a tape, if they can be written as C."""


def taped(program: Program) -> Program:
    """The program with a tape in the place of each run of 0-d equations that is long enough."""
    if len(program.equations) < MANY:
        return program
    found: dict[int, list[Equation]] = {}
    for equation, time in zip(program.equations, _times(program.equations), strict=True):
        found.setdefault(time, []).append(equation)
    tapes = {time for time, members in found.items() if time % 2 and len(members) >= MANY}
    if not tapes:
        return program
    count = max(v.number for v in (*program.inputs, *(e.out for e in program.equations)))
    equations: list[Equation] = []
    for time in sorted(found):
        if time not in tapes:
            equations += found[time]
            continue
        wanted = set(program.outputs())
        for other, members in found.items():
            if other != time:
                wanted.update(x for equation in members for x in equation.values())
        made = _replaced(program, found[time], wanted, count)
        count += len(made)
        equations += made
    return program.with_equations(equations, {})


# ---- which equations -----------------------------------------------------------------------


def _times(equations: Iterable[Equation]) -> list[int]:
    """When equations can run: those that fit on a tape at odd times, the others at even ones."""
    known: dict[Value, int] = {}
    fitting: dict[Any, bool] = {}
    times = []
    for equation in equations:
        time = 0
        for x in equation.inputs:
            if type(x) is Value and known.get(x, 0) > time:
                time = known[x]
        if (not equation.out.shape and _fits(equation, _may_enter, fitting)) != time % 2:
            time += 1
        known[equation.out] = time
        times.append(time)
    return times


def _fits(equation: Equation, test: Callable[[Equation], bool], known: dict[Any, bool]) -> bool:
    """Whether an equation is one of single numbers that passes a test; `known` are the answers."""
    kinds: list[Any] = []
    for x in equation.inputs:
        if type(x) is Value:
            if x.shape:
                return False
            kinds.append(x.dtype.char)
        else:  # that an integer is small may matter, but of a float nothing does
            kinds.append((type(x), x if type(x) is int else None))
    params = repr(sorted(equation.params.items())) if equation.params else ""
    key = (equation.op.name, equation.out.dtype.char, *kinds, params)
    if key not in known:
        known[key] = test(equation)
    return known[key]


def _may_enter(equation: Equation) -> bool:
    """Whether it can go onto a tape, or will be left out by the passes.

    They leave out what gives a single number back, or is always the same.
    """
    name, out = equation.op.name, equation.out
    if name in FILLS:
        return True
    given = [x.dtype for x in equation.values()]
    same = len(given) == 1 and given[0] == out.dtype
    if same and (name in SAME_IF_SAME_TYPE or (name == "sum" and equation.params["axis"] == ())):
        return True
    return can_run(equation)


def can_run(equation: Equation) -> bool:
    """Whether an equation of single numbers can be a row of the table.

    A power cannot if its exponent is an array: for one of 0.5 NumPy takes the square root where
    there is no other, and the power, which differs at -inf, among many.
    """
    name = equation.op.name
    if name == "pow" and type(equation.inputs[1]) is Value:
        return False
    usual = REGISTRY.get(name) is equation.op and equation.op.kind.name in KINDS
    by_place = name in BY_PLACE or not any(type(x) is Number for x in equation.inputs)
    return usual and by_place and can_write(equation)


# ---- what takes their place ----------------------------------------------------------------


def _replaced(
    program: Program, members: list[Equation], wanted: set[Value], count: int
) -> list[Equation]:
    """One tape for each dtype that is wanted of these equations, and what takes that apart."""
    made: list[Equation] = []
    results: dict[str, list[Value]] = {}
    for equation in members:
        if equation.out in wanted:
            results.setdefault(equation.out.dtype.char, []).append(equation.out)
    for values in results.values():
        given, digest = kept.begin(members, values)
        worthwhile = len(members) >= kept.WORTHWHILE
        tape = kept.found(digest) if worthwhile else None
        if tape is None:
            tape = _planned(program, members, given, values)
            if tape is None:
                return members
            if worthwhile:
                kept.keep(digest, tape)
        out = Value(count := count + 1, (len(values),), values[0].dtype)
        inputs = tuple(given[place] for place in tape.takes)
        made.append(Equation(out, SCALAR_TAPE, inputs, {"tape": tape}))
        part = REGISTRY["getitem"]
        made += [Equation(x, part, (out,), {"index": (i,)}) for i, x in enumerate(values)]
    return made


def _planned(
    program: Program, members: list[Equation], given: list[Any], results: list[Value]
) -> Tape | None:
    """The tape of equations, after the passes; None if these have left something else."""
    inputs = [x for x in given if type(x) is Value]
    part = simplified(Program(inputs, members, [*results], [], program.host, []))
    known: dict[Any, bool] = {}
    if not part.equations or not all(_fits(e, can_run, known) for e in part.equations):
        return None
    return planned(part, given)
