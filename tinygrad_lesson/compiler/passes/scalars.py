"""Numbers instead of arrays of one number: ``broadcast_to(s, shape) * y`` is ``s * y``.

Both rewrites are exact to the bit. Nothing is done where the array decides the shape or the dtype
of the result.
"""

from __future__ import annotations

import numpy as np

from ...op import REGISTRY
from ...tracing.program import Constant, Equation, Program, Value
from .rewriting import Workshop, improved

ARITHMETIC = (
    "add", "subtract", "multiply", "divide", "floor_divide", "remainder", "maximum", "minimum",
    "fmax", "fmin", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
)  # fmt: skip

FILLED = ("ones_like", "zeros_like", "empty_like", "broadcast_to")
"""Ops whose result may be one number everywhere, as a constant may be."""

PLACES = dict.fromkeys(ARITHMETIC, (0, 1)) | {"where": (1, 2)}
"""Where ops take numbers as they take arrays. (Not ``pow``: ``x ** 0.5`` is the square root, which
differs from the power at -0.0 and -inf.)"""


def use_scalars(program: Program) -> Program:
    """Let elementwise ops do the broadcasting, and take Python numbers for constants."""
    filled = {x for x in program.inputs if type(x.source) is Constant}
    filled.update(e.out for e in program.equations if e.op.name in FILLED)

    def rule(equation: Equation, workshop: Workshop) -> Equation | None:
        takes = not filled.isdisjoint(equation.inputs)
        return _with_scalars(equation, workshop) if takes else None

    names = (name for name, op in REGISTRY.items() if op.kind.name == "elementwise")
    return improved(program, dict.fromkeys(names, rule)) if filled else program


def number_of(x: object, workshop: Workshop) -> float | int | None:
    """The number that all elements of `x` are, for an array of integers or floats."""
    if type(x) is not Value or x.dtype.kind not in "fiu":
        return None
    if type(x.source) is Constant:
        return _of_array(x.source.array)
    made = workshop.made(x, *FILLED)
    if made is None:
        return None
    if made.op.name == "broadcast_to":
        return number_of(made.inputs[0], workshop)
    number: float | int = x.dtype.type(made.op.name == "ones_like").item()
    return number


def _of_array(array: np.ndarray) -> float | int | None:
    if not array.size:
        return None
    first = array.flat[0]
    same = (array == first).all() and (np.signbit(array) == np.signbit(first)).all()
    number: float | int = first.item()
    return number if same else None


def _with_scalars(equation: Equation, workshop: Workshop) -> Equation | None:
    inputs = list(equation.inputs)
    places = PLACES.get(equation.op.name, ())
    for place, x in enumerate(inputs):
        if type(x) is not Value:
            continue
        others = [y for i, y in enumerate(inputs) if i != place and type(y) is Value]
        shapes = [y.shape for y in others]
        number = number_of(x, workshop) if place in places else None
        if number is not None and np.broadcast_shapes(*shapes) == equation.out.shape:
            numeric = [inputs[i] for i in places if i != place]
            if any(type(y) is Value and y.dtype == x.dtype for y in numeric):
                inputs[place] = number
                continue
        spread = workshop.made(x, "broadcast_to")
        if spread is not None:
            small = spread.inputs[0]
            shapes.append(getattr(small, "shape", ()))
            if type(small) is Value and np.broadcast_shapes(*shapes) == equation.out.shape:
                inputs[place] = small
    return equation._replace(inputs=tuple(inputs)) if inputs != list(equation.inputs) else None
