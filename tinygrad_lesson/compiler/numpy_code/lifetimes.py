"""Large arrays that nobody needs any more: they are let go of, or take the next result.

Into an array of a million floats NumPy writes twice as fast as it makes a new one, for the memory
of a new one has first to be asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...arrays import numpy as kernels
from ...tracing.program import Equation, Program, Value
from .layout import Line
from .notation import Text, text

BIG = 1 << 14
"""Arrays of so many elements are let go of after their last use."""

HUGE = 1 << 18
"""Arrays of so many elements take the result of the op that uses them last."""

ALLOCATING = ("elementwise", "reduction", "linear")
"""Kinds of ops that look at their inputs, and make an array that is no view of one."""

PASSING = ("real", "positive", "einsum", "pool_sum", "pool_spread", "resample", "resample_adjoint")
"""Ops of those kinds that may give back their input."""


class Made(NamedTuple):
    """A line, the equation that it stands for, and the values with a name that it uses."""

    line: int
    equation: Equation
    needs: set[Value]


def reused(
    program: Program,
    made: Sequence[Made],
    names: Mapping[Value, str],
    texts: Mapping[Value, Text],
    lines: list[Line],
) -> None:
    """Change `lines` so that large arrays live no longer than they must.

    Parameters
    ----------
    program
        It is written in the lines.
    made
        Those of the lines that name a value, in order.
    names, texts
        Of the values.
    lines
        Written anew in place.
    """
    outputs = set(program.outputs())
    own = {e.out for e in program.equations if _allocates(e)} - outputs
    for equation in program.equations:
        if not _allocates(equation):
            own.difference_update(equation.values())  # there may be views of them
    last: dict[Value, int] = {}
    for place, line in enumerate(made):
        last.update(dict.fromkeys(line.needs, place))
    gone: dict[int, list[Value]] = {}
    for line in made:
        if line.equation.out in last and line.equation.out not in outputs:
            gone.setdefault(last[line.equation.out], []).append(line.equation.out)
    for place, line in reversed([*enumerate(made)]):
        equation, dying = line.equation, gone.get(place, [])
        into = next((x for x in dying if x in own and _fits(x, equation)), None)
        if into is not None:
            inputs = ", ".join(str(texts[x] if type(x) is Value else text(x))
                               for x in equation.inputs)  # fmt: skip
            code = f"{names[equation.out]} = np.{equation.op.name}({inputs}, out={names[into]})"
            lines[line.line] = lines[line.line]._replace(code=code)
        freed = [names[x] for x in dying if math.prod(x.shape) >= BIG]
        if freed:
            lines.insert(line.line + 1, Line(f"del {', '.join(freed)}", "", equation.scope))


def _allocates(equation: Equation) -> bool:
    return equation.op.kind.name in ALLOCATING and equation.op.name not in PASSING


def _fits(x: Value, equation: Equation) -> bool:
    """Whether the result of an equation may be written into one of its inputs."""
    out, name = equation.out, equation.op.name
    ufunc = getattr(kernels, name, None)
    return (
        math.prod(out.shape) >= HUGE
        and x.shape == out.shape
        and x.dtype == out.dtype
        and isinstance(ufunc, np.ufunc)
        and getattr(np, name, None) is ufunc
        and any(y is x for y in equation.inputs)
        and all(type(y) in (Value, int, float) for y in equation.inputs)
    )
